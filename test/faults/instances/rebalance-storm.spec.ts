import { describe, it } from 'vitest';
import { schedule } from '../../../tools/chaos/schedule.js';
import { expectKept, LEASE_MS, RUN_TIMEOUT_MS, TRANSPORTS, underFaults } from './support/chaos.js';

const LENGTH_MS = 14_000;
const FAULTS = ['join', 'leave', 'kill'] as const;

describe.each(TRANSPORTS)('F6: a storm of joins, leaves and hard stops on %s', (transport) => {
  it(
    'loses nothing, keeps the order of every key, and handles nothing twice but after the hard stops',
    { timeout: RUN_TIMEOUT_MS },
    async () => {
      const result = await underFaults(transport, {
        lengthMs: LENGTH_MS,
        instances: 3,
        perSecond: 300,
        schedule: schedule({
          seed: 6,
          lengthMs: LENGTH_MS,
          faults: FAULTS,
          leaseMs: LEASE_MS[transport],
          everyMs: [900, 1_800],
        }),
        load: { slowShare: 0.01, slowMs: [500, 2_000] },
      });
      expectKept(result, FAULTS);
    },
  );
});
