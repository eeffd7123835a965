// A sink: takes elements out of the pipeline. This one prints them.

export const sink = {
  push(element) {
    const text = new TextDecoder().decode(element.payload.readAll());
    console.log(`[${element.meta.sequence}] ${text}`);
    return 'ready';
  },

  complete() {
    // There will be no more elements: write out what was held back.
  },
};
