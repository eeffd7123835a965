// A router: names the ports that an element goes to. A port is the start of an edge of the flow.
package main

import (
	"component/torvyn"
	"component/torvyn/router"
)

func route(element *torvyn.Element) ([]string, error) {
	// With a second edge from this node, its port's name sends elements there.
	if element.Size() == 0 {
		return nil, nil
	}
	return []string{"output"}, nil
}

func init() { router.Route = route }

func main() {}
