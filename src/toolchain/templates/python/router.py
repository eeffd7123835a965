"""A router: names the ports that an element goes to. A port is the start of an edge of the flow."""

from typing import List

from wit_world import exports
from wit_world.imports import types


class Router(exports.Router):
    def route(self, element: types.StreamElement) -> List[str]:
        # With a second edge from this node, its port's name sends elements there.
        return ["output"] if element.payload.size() > 0 else []
