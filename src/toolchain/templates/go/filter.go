// A filter: keeps or drops elements without changing them. This one keeps every second.
package main

import (
	"component/torvyn"
	"component/torvyn/filter"
)

func evaluate(element *torvyn.Element) (bool, error) {
	return element.Sequence%2 == 0, nil
}

func init() { filter.Evaluate = evaluate }

func main() {}
