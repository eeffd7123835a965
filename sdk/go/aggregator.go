// Package aggregator is the role of components that gather many elements into few.
package aggregator

import (
	"unsafe"

	"component/torvyn"
)

// Ingest takes one element into the state. It may return a result, for example when a window is full.
var Ingest func(element *torvyn.Element) (*torvyn.Output, error)

// Flush is called when there will be no more elements: what remains, in order.
var Flush func() ([]*torvyn.Output, error)

var area torvyn.Area

//go:wasmexport torvyn:aggregation/aggregator@0.1.0#ingest
func ingest(sequence, timestampNs int64, contentType unsafe.Pointer, length, payload, context int32) unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	element := torvyn.Incoming(sequence, timestampNs, contentType, length, payload, context)
	defer element.Release()
	output, err := Ingest(element)
	if err != nil {
		return out.Fail(8, err)
	}
	if output != nil {
		out.PutByte(8, 1)
		out.PutOutput(16, output)
	}
	return out.Pointer()
}

//go:wasmexport torvyn:aggregation/aggregator@0.1.0#flush
func flush() unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	outputs, err := Flush()
	if err != nil {
		return out.Fail(4, err)
	}
	out.PutOutputs(4, outputs)
	return out.Pointer()
}
