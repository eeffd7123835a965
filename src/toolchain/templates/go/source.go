// A source: called for one element after the other, until it says that there are no more.
package main

import (
	"strconv"

	"component/torvyn"
	"component/torvyn/source"
)

const messages = 100

var made int

func pull() (*torvyn.Output, error) {
	if made == messages {
		return nil, nil
	}
	made++
	return torvyn.NewOutput([]byte("Message "+strconv.Itoa(made)), "text/plain")
}

func init() { source.Pull = pull }

func main() {}
