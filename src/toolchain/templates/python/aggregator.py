"""An aggregator: gathers elements and emits results. This one counts five at a time."""

from typing import List, Optional

from wit_world import exports
from wit_world.imports import buffer_allocator, types

GROUP = 5
count = 0
size = 0


def emit() -> types.OutputElement:
    global count, size
    text = f"{count} elements, {size} bytes".encode()
    count = size = 0
    with buffer_allocator.allocate(len(text)) as buffer:
        buffer.append(text)
        return types.OutputElement(types.ElementMeta(0, 0, "text/plain"), buffer.freeze())


class Aggregator(exports.Aggregator):
    def ingest(self, element: types.StreamElement) -> Optional[types.OutputElement]:
        global count, size
        count += 1
        size += element.payload.size()
        return emit() if count == GROUP else None

    def flush(self) -> List[types.OutputElement]:
        # There will be no more elements.
        return [emit()] if count > 0 else []
