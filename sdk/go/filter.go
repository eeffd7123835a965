// Package filter is the role of components that keep or discard elements.
package filter

import (
	"unsafe"

	"component/torvyn"
)

// Evaluate says whether the element is kept. The runtime passes it on as it is.
var Evaluate func(element *torvyn.Element) (keep bool, err error)

var area torvyn.Area

//go:wasmexport torvyn:filtering/filter@0.1.0#evaluate
func evaluate(sequence, timestampNs int64, contentType unsafe.Pointer, length, payload, context int32) unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	element := torvyn.Incoming(sequence, timestampNs, contentType, length, payload, context)
	defer element.Release()
	keep, err := Evaluate(element)
	if err != nil {
		return out.Fail(4, err)
	}
	if keep {
		out.PutByte(4, 1)
	}
	return out.Pointer()
}
