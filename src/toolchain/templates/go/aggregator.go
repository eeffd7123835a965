// An aggregator: gathers elements and emits results. This one counts five at a time.
package main

import (
	"fmt"

	"component/torvyn"
	"component/torvyn/aggregator"
)

const group = 5

var count, size uint64

func result() (*torvyn.Output, error) {
	text := fmt.Sprintf("%d elements, %d bytes", count, size)
	count, size = 0, 0
	return torvyn.NewOutput([]byte(text), "text/plain")
}

func ingest(element *torvyn.Element) (*torvyn.Output, error) {
	count++
	size += element.Size()
	if count < group {
		return nil, nil
	}
	return result()
}

// There will be no more elements.
func flush() ([]*torvyn.Output, error) {
	if count == 0 {
		return nil, nil
	}
	last, err := result()
	return []*torvyn.Output{last}, err
}

func init() {
	aggregator.Ingest = ingest
	aggregator.Flush = flush
}

func main() {}
