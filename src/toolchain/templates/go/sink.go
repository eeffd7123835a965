// A sink: takes elements out of the pipeline. This one prints them.
package main

import (
	"fmt"

	"component/torvyn"
	"component/torvyn/sink"
)

func push(element *torvyn.Element) (pause bool, err error) {
	if _, err := fmt.Printf("[%d] %s\n", element.Sequence, element.Read()); err != nil {
		return false, torvyn.Unavailable("cannot print")
	}
	return false, nil
}

// There will be no more elements: write out what was held back.
func complete() error { return nil }

func init() {
	sink.Push = push
	sink.Complete = complete
}

func main() {}
