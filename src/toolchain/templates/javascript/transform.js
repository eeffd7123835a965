// A transform: makes one element of each that comes in, or drops it.

import { cloneIntoMutable } from 'torvyn:streaming/buffer-allocator@{{contract}}';

export const processor = {
  process(input) {
    // Passes every element on. To change it, read it by input.payload.readAll(), allocate a buffer for the new
    // payload, append to it and freeze it.
    const copy = cloneIntoMutable(input.payload);
    try {
      return { tag: 'emit', val: { meta: input.meta, payload: copy.freeze() } };
    } finally {
      copy[Symbol.dispose]();
    }
  },
};
