// Package lifecycle is for components of any role whose world exports torvyn:streaming/lifecycle.
package lifecycle

import (
	"unsafe"

	"component/torvyn"
)

// Init is called once, before any element, with the configuration of the component's node as JSON. May stay nil.
var Init func(config string) error

// Teardown is called once at the end of the flow, but not after a failure. May stay nil.
var Teardown func()

var area torvyn.Area

//go:wasmexport torvyn:streaming/lifecycle@0.1.0#init
func initialize(config unsafe.Pointer, length int32) unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	if Init != nil {
		text := string(unsafe.Slice((*byte)(config), length))
		if err := Init(text); err != nil {
			return out.Fail(4, err)
		}
	}
	return out.Pointer()
}

//go:wasmexport torvyn:streaming/lifecycle@0.1.0#teardown
func teardown() {
	torvyn.Begin()
	defer torvyn.End()
	if Teardown != nil {
		Teardown()
	}
}
