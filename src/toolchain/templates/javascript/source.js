// A source: called for one element after the other, until it says that there are no more.

import { allocate } from 'torvyn:streaming/buffer-allocator@{{contract}}';

const MESSAGES = 100;
let made = 0;

export const source = {
  pull() {
    if (made === MESSAGES) {
      return undefined;
    }
    made++;
    const text = new TextEncoder().encode(`Message ${made}`);
    const buffer = allocate(BigInt(text.length));
    try {
      buffer.append(text);
      // The runtime assigns sequence and timestamp.
      const meta = { sequence: 0n, timestampNs: 0n, contentType: 'text/plain' };
      return { meta, payload: buffer.freeze() };
    } finally {
      buffer[Symbol.dispose]();
    }
  },

  notifyBackpressure(signal) {
    // A source with something of its own to pause would do so here.
  },
};
