// An aggregator: gathers elements and emits results. This one counts five at a time.

import { allocate } from 'torvyn:streaming/buffer-allocator@{{contract}}';

const GROUP = 5;
let count = 0;
let size = 0n;

function emit() {
  const text = new TextEncoder().encode(`${count} elements, ${size} bytes`);
  count = 0;
  size = 0n;
  const buffer = allocate(BigInt(text.length));
  try {
    buffer.append(text);
    const meta = { sequence: 0n, timestampNs: 0n, contentType: 'text/plain' };
    return { meta, payload: buffer.freeze() };
  } finally {
    buffer[Symbol.dispose]();
  }
}

export const aggregator = {
  ingest(element) {
    count++;
    size += element.payload.size();
    return count === GROUP ? emit() : undefined;
  },

  flush() {
    // There will be no more elements.
    return count > 0 ? [emit()] : [];
  },
};
