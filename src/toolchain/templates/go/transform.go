// A transform: makes one element of each that comes in, or drops it.
package main

import (
	"component/torvyn"
	"component/torvyn/processor"
)

// Passes every element on. To change it, read it by input.Read() and return torvyn.NewOutput(…) of the new payload; nil
// drops it.
func process(input *torvyn.Element) (*torvyn.Output, error) {
	return torvyn.PassOn(input)
}

func init() { processor.Process = process }

func main() {}
