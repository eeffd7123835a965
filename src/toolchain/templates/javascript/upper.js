// A transform: makes one element of each that comes in, or drops it.

import { allocate } from 'torvyn:streaming/buffer-allocator@{{contract}}';

export const processor = {
  process(input) {
    const text = new TextDecoder().decode(input.payload.readAll()).toUpperCase();
    const bytes = new TextEncoder().encode(text);
    const buffer = allocate(BigInt(bytes.length));
    try {
      buffer.append(bytes);
      return { tag: 'emit', val: { meta: input.meta, payload: buffer.freeze() } };
    } finally {
      buffer[Symbol.dispose]();
    }
  },
};
