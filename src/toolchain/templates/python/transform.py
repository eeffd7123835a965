"""A transform: makes one element of each that comes in, or drops it."""

from wit_world import exports
from wit_world.imports import buffer_allocator, types


class Processor(exports.Processor):
    def process(self, input: types.StreamElement) -> types.ProcessResult:
        # Passes every element on. To change it, read it by input.payload.read_all(), allocate a buffer for the new
        # payload, append to it and freeze it.
        with buffer_allocator.clone_into_mutable(input.payload) as copy:
            return types.ProcessResult_Emit(types.OutputElement(input.meta, copy.freeze()))
