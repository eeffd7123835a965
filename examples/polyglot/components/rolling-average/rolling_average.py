"""Adds to each reading the average of its sensor's last readings, and which way they go."""

import json
from collections import deque

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import buffer_allocator, types

window = 3
readings: dict[str, deque[float]] = {}


def enrich(reading: dict) -> dict:
    # A reading without these keys cannot come out of the stage before: the KeyError is not caught and traps.
    last = readings.setdefault(reading["sensor"], deque(maxlen=window))
    before = last[-1] if last else reading["celsius"]
    last.append(reading["celsius"])
    average = round(sum(last) / len(last), 2)
    trend = (reading["celsius"] > before) - (reading["celsius"] < before)
    return reading | {"average": average, "trend": ("steady", "rising", "falling")[trend]}


class Lifecycle(exports.Lifecycle):
    def init(self, config: str) -> None:
        global window
        try:
            window = int(json.loads(config or "{}").get("window", window))
        except (ValueError, AttributeError) as error:
            # What is raised as Err is the error of the function's result: a case of `process-error`.
            raise Err(types.ProcessError_InvalidInput(f"the configuration is wrong: {error}"))

    def teardown(self) -> None:
        pass


class Processor(exports.Processor):
    def process(self, input: types.StreamElement) -> types.ProcessResult:
        # The bindings give back what was lent when the call ends; what the component owns is dropped by `with`.
        try:
            reading = json.loads(input.payload.read_all())
        except ValueError as error:
            raise Err(types.ProcessError_InvalidInput(f"not JSON: {error}"))
        enriched = json.dumps(enrich(reading)).encode()
        with buffer_allocator.allocate(len(enriched)) as buffer:
            buffer.append(enriched)
            buffer.set_content_type("application/json")
            frozen = buffer.freeze()
        meta = types.ElementMeta(input.meta.sequence, input.meta.timestamp_ns, "application/json")
        return types.ProcessResult_Emit(types.OutputElement(meta, frozen))
