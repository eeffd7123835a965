// Package processor is the role of components that turn elements into other elements.
package processor

import (
	"unsafe"

	"component/torvyn"
)

// Process makes an element of one that came in, or nil to drop it, which is no error.
var Process func(input *torvyn.Element) (*torvyn.Output, error)

var area torvyn.Area

//go:wasmexport torvyn:streaming/processor@0.1.0#process
func process(sequence, timestampNs int64, contentType unsafe.Pointer, length, payload, context int32) unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	input := torvyn.Incoming(sequence, timestampNs, contentType, length, payload, context)
	defer input.Release()
	output, err := Process(input)
	if err != nil {
		return out.Fail(8, err)
	}
	if output == nil {
		out.PutByte(8, 1)
		return out.Pointer()
	}
	out.PutOutput(16, output)
	return out.Pointer()
}
