// A filter: keeps or drops elements without changing them. This one keeps every second.

export const filter = {
  evaluate(element) {
    return element.meta.sequence % 2n === 0n;
  },
};
