// A router: names the ports that an element goes to. A port is the start of an edge of the flow.

export const router = {
  route(element) {
    // With a second edge from this node, its port's name sends elements there.
    return element.payload.size() > 0n ? ['output'] : [];
  },
};
