// Package sink is the role of components that take elements out of a pipeline.
package sink

import (
	"unsafe"

	"component/torvyn"
)

// Push takes one element. True asks the runtime to wait before it offers the next one.
var Push func(element *torvyn.Element) (pause bool, err error)

// Complete is called when there will be no more elements: write out what is still held back. May stay nil.
var Complete func() error

var area torvyn.Area

//go:wasmexport torvyn:streaming/sink@0.1.0#push
func push(sequence, timestampNs int64, contentType unsafe.Pointer, length, payload, context int32) unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	element := torvyn.Incoming(sequence, timestampNs, contentType, length, payload, context)
	defer element.Release()
	pause, err := Push(element)
	if err != nil {
		return out.Fail(4, err)
	}
	if pause {
		out.PutByte(4, 1)
	}
	return out.Pointer()
}

//go:wasmexport torvyn:streaming/sink@0.1.0#complete
func complete() unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	if Complete != nil {
		if err := Complete(); err != nil {
			return out.Fail(4, err)
		}
	}
	return out.Pointer()
}
