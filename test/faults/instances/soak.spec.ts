import { describe, expect, it } from 'vitest';
import { coursesOf, isFlat } from '../../../tools/chaos/flatness.js';
import { expectKept, fault, recordsOf, RUN_TIMEOUT_MS, TRANSPORTS, underFaults } from './support/chaos.js';

const SOAK = {
  instances: 3,
  lengthMs: 15_000,
  schedule: [fault('kill', 6_000)],
  spared: ['i1', 'i2'],
  sampleEveryMs: 1_000,
};

describe.each(TRANSPORTS)('F22: a soak in a short form, with a kill in its middle, on %s', (transport) => {
  it(
    'keeps heap, handles, listeners and timers of the surviving instances flat',
    { timeout: RUN_TIMEOUT_MS },
    async () => {
      const result = await underFaults(transport, SOAK);
      expectKept(result, []);
      expect(recordsOf(result, 'fault').map((one) => one.fault)).toContain('kill');
      const courses = coursesOf(result.samples).filter(({ instance }) => SOAK.spared.includes(instance));
      expect(new Set(courses.map(({ instance }) => instance)).size).toBe(2);
      expect(courses.filter((course) => !isFlat(course))).toEqual([]);
    },
  );
});
