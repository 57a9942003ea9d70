import { describe, expect, it } from 'vitest';
import { expectKept, fault, LEASE_MS, recordsOf, RUN_TIMEOUT_MS, TRANSPORTS, underFaults } from './support/chaos.js';

describe.each(TRANSPORTS)('F20: an event loop that is blocked for longer than the lease on %s', (transport) => {
  it(
    'is flagged, and nothing is lost: the session recovers or is taken over',
    { timeout: RUN_TIMEOUT_MS },
    async () => {
      const blockMs = LEASE_MS[transport] * 1.6;
      const result = await underFaults(transport, {
        lengthMs: 4_000 + blockMs,
        schedule: [fault('block', 2_000, blockMs)],
      });
      expectKept(result, ['block']);
      const blocked = recordsOf(result, 'life').find(({ is }) => is === 'blocked')?.instance ?? '';
      expect(result.logs.get(blocked)).toMatch(/event loop was blocked, or the process was stopped/);
    },
  );
});
