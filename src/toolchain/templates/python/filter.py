"""A filter: keeps or drops elements without changing them. This one keeps every second."""

from wit_world import exports
from wit_world.imports import types


class Filter(exports.Filter):
    def evaluate(self, element: types.StreamElement) -> bool:
        return element.meta.sequence % 2 == 0
