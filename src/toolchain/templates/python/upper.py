"""A transform: makes one element of each that comes in, or drops it."""

from wit_world import exports
from wit_world.imports import buffer_allocator, types


class Processor(exports.Processor):
    def process(self, input: types.StreamElement) -> types.ProcessResult:
        text = input.payload.read_all().decode(errors="replace").upper().encode()
        with buffer_allocator.allocate(len(text)) as buffer:
            buffer.append(text)
            return types.ProcessResult_Emit(types.OutputElement(input.meta, buffer.freeze()))
