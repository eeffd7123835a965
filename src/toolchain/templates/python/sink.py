"""A sink: takes elements out of the pipeline. This one prints them."""

from wit_world import exports
from wit_world.imports import types


class Sink(exports.Sink):
    def push(self, element: types.StreamElement) -> types.BackpressureSignal:
        text = element.payload.read_all().decode(errors="replace")
        print(f"[{element.meta.sequence}] {text}", flush=True)
        return types.BackpressureSignal.READY

    def complete(self) -> None:
        pass  # there will be no more elements: write out what was held back
