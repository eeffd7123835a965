// Prints a line for each reading and, when the stream ends, a summary for each sensor.

const decoder = new TextDecoder();
const sensors = new Map();

function reject(why) {
  // What an exported function throws is the error of its result: a case of `process-error`.
  throw { tag: 'invalid-input', val: why };
}

function remember({ sensor, celsius }) {
  const seen = sensors.get(sensor) ?? { count: 0, lowest: Infinity, highest: -Infinity };
  seen.count += 1;
  seen.lowest = Math.min(seen.lowest, celsius);
  seen.highest = Math.max(seen.highest, celsius);
  sensors.set(sensor, seen);
}

export const sink = {
  push(element) {
    const text = decoder.decode(element.payload.readAll());
    let reading;
    try {
      reading = JSON.parse(text);
    } catch {
      reject(`not JSON: ${text}`);
    }
    remember(reading);
    // A reading without numbers is not this sink's to judge: toFixed throws, and the component traps.
    console.log(`${reading.sensor} #${reading.reading}: ${reading.celsius.toFixed(1)} °C, ` +
      `average ${reading.average.toFixed(2)}, ${reading.trend}`);
    return 'ready';
  },

  complete() {
    for (const [name, { count, lowest, highest }] of [...sensors].sort()) {
      console.log(`${name}: ${count} readings, ${lowest.toFixed(1)} to ${highest.toFixed(1)} °C`);
    }
  },
};
