"""A source: called for one element after the other, until it says that there are no more."""

from typing import Optional

from wit_world import exports
from wit_world.imports import buffer_allocator, types

MESSAGES = 100
made = 0


class Source(exports.Source):
    def pull(self) -> Optional[types.OutputElement]:
        global made
        if made == MESSAGES:
            return None
        made += 1
        text = f"Message {made}".encode()
        with buffer_allocator.allocate(len(text)) as buffer:
            buffer.append(text)
            frozen = buffer.freeze()
        # The runtime assigns sequence and timestamp.
        return types.OutputElement(types.ElementMeta(0, 0, "text/plain"), frozen)

    def notify_backpressure(self, signal: types.BackpressureSignal) -> None:
        pass  # a source with something of its own to pause would do so here
