// Uses everything that sdk/go has, with a collection of garbage before each element.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"component/torvyn"
	"component/torvyn/lifecycle"
	"component/torvyn/processor"
)

var mode string
var started = time.Now()

// Both ids, or none: whether flows are traced is the configuration's.
func isTraced(e *torvyn.Element) bool {
	trace, span := len(e.TraceID()), len(e.SpanID())
	return trace == 32 && span == 16 || trace == 0 && span == 0
}

func process(e *torvyn.Element) (*torvyn.Output, error) {
	runtime.GC()
	kinds := map[uint64]error{2: torvyn.InvalidInput("invalid"), 3: torvyn.Unavailable("later"), 4: torvyn.Internal("ours"), 5: torvyn.DeadlineExceeded(""), 6: errors.New("plain")}
	if err := kinds[e.Sequence]; err != nil && mode == "errors" {
		return nil, err
	}
	if e.Sequence == 7 && mode == "fatal" {
		return nil, torvyn.Fatal("the end")
	}
	if e.Sequence == 1 {
		return nil, nil
	}
	text := fmt.Sprintf("%d %q %q part=%q traced=%t flow=%t deadline=%d late=%t %s", e.Sequence, e.Read(), e.ContentType, e.ReadAt(7, 6), isTraced(e), e.FlowID() != "", e.DeadlineNs(), e.TimestampNs > uint64(started.UnixNano()), strings.Repeat("x", int(e.Size())))
	o, err := torvyn.NewOutput([]byte(text), "text/x-test")
	if err != nil {
		return nil, err
	}
	d, _ := torvyn.NewOutput(nil, "")
	d.Drop()
	return o, nil
}

func initialize(config string) error {
	var c struct{ Mode string }
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	mode = c.Mode
	if mode == "refuse" {
		return torvyn.Unavailable("no database")
	}
	return nil
}

func init() {
	processor.Process = process
	lifecycle.Init = initialize
	lifecycle.Teardown = func() { fmt.Println("torn down") }
}

func main() {}
