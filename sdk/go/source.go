// Package source is the role of components that bring elements into a pipeline.
package source

import (
	"unsafe"

	"component/torvyn"
)

// Pull returns the next element, or nil when there will be no more; while the pipeline is paused nil means "nothing
// now".
var Pull func() (*torvyn.Output, error)

// Notify is told what the pipeline can take, between two calls of Pull. May stay nil.
var Notify func(paused bool)

var area torvyn.Area

//go:wasmexport torvyn:streaming/source@0.1.0#pull
func pull() unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	output, err := Pull()
	if err != nil {
		return out.Fail(8, err)
	}
	if output != nil {
		out.PutByte(8, 1)
		out.PutOutput(16, output)
	}
	return out.Pointer()
}

//go:wasmexport torvyn:streaming/source@0.1.0#notify-backpressure
func notify(signal int32) {
	torvyn.Begin()
	defer torvyn.End()
	if Notify != nil {
		Notify(signal == 1)
	}
}
