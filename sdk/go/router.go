// Package router is the role of components that choose where elements go.
package router

import (
	"unsafe"

	"component/torvyn"
)

// Route names the ports that receive the element: the starts of the flow's edges. None discards it.
var Route func(element *torvyn.Element) (ports []string, err error)

var area torvyn.Area

//go:wasmexport torvyn:filtering/router@0.1.0#route
func route(sequence, timestampNs int64, contentType unsafe.Pointer, length, payload, context int32) unsafe.Pointer {
	torvyn.Begin()
	defer torvyn.End()
	out := area.Start()
	element := torvyn.Incoming(sequence, timestampNs, contentType, length, payload, context)
	defer element.Release()
	ports, err := Route(element)
	if err != nil {
		return out.Fail(4, err)
	}
	out.PutTexts(4, ports)
	return out.Pointer()
}
