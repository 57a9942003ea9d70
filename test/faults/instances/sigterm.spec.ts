import { describe, expect, it } from 'vitest';
import { expectKept, fault, placeOf, recordsOf, RUN_TIMEOUT_MS, TRANSPORTS, underFaults } from './support/chaos.js';

describe.each(TRANSPORTS)(
  'F8: SIGTERM under load on %s, with a database that closes in its own onModuleDestroy',
  (transport) => {
    it('drains within the deadline, and runs no handler after it', { timeout: RUN_TIMEOUT_MS }, async () => {
      const result = await underFaults(transport, { lengthMs: 6_000, schedule: [fault('leave', 3_000)] });
      expectKept(result, ['leave']);
      const [left] = recordsOf(result, 'life').filter(({ is }) => is === 'leaving');
      const name = left?.instance ?? '';
      const after = result.records.slice(placeOf(result, name, 'leaving'));
      const open = new Set(recordsOf(result, 'start').flatMap(({ run, instance }) => (instance === name ? [run] : [])));
      for (const { run } of recordsOf(result, 'end')) open.delete(run);

      expect([...open], 'handlers that were cut off').toEqual([]);
      expect(after.filter((one) => one.kind === 'signal' && one.instance === name)).toEqual([]);
      expect(result.verdict.duplicates.redelivered, 'what was drained is settled').toEqual([]);
    });

    it(
      'leaves at the deadline what takes longer, tells it so, and another instance handles it',
      { timeout: RUN_TIMEOUT_MS },
      async () => {
        const result = await underFaults(transport, {
          lengthMs: 6_000,
          schedule: [fault('leave', 3_000)],
          load: { slowShare: 0.02, slowMs: [6_000, 7_000] },
          shutdownTimeoutMs: 3_000,
        });
        expectKept(result, ['leave']);
        const left = recordsOf(result, 'life').find(({ is }) => is === 'leaving')?.instance;
        const told = recordsOf(result, 'signal').filter(({ instance }) => instance === left);
        expect(told.length, 'handlers that were told at the deadline').toBeGreaterThan(0);
      },
    );
  },
);
