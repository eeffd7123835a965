// A transform: makes one element of each that comes in, or drops it.
package main

import (
	"bytes"

	"component/torvyn"
	"component/torvyn/processor"
)

func process(input *torvyn.Element) (*torvyn.Output, error) {
	return torvyn.NewOutput(bytes.ToUpper(input.Read()), "text/plain")
}

func init() { processor.Process = process }

func main() {}
