import { describe, expect, it } from 'vitest';
import {
  expectKept,
  fault,
  LEASE_MS,
  placeOf,
  recordsOf,
  RUN_TIMEOUT_MS,
  TRANSPORTS,
  underFaults,
} from './support/chaos.js';

describe.each(TRANSPORTS)('F7: an instance is hit in the middle of its work on %s', (transport) => {
  it('loses nothing when it is killed, and its successor goes on in order', { timeout: RUN_TIMEOUT_MS }, async () => {
    const result = await underFaults(transport, { lengthMs: 8_000, schedule: [fault('kill', 3_000)] });
    expectKept(result, ['kill']);
  });

  it(
    'loses nothing when it is stopped for longer than its lease, and is told so when it goes on',
    { timeout: RUN_TIMEOUT_MS },
    async () => {
      const stopMs = LEASE_MS[transport] * 1.5;
      const result = await underFaults(transport, {
        lengthMs: 3_000 + stopMs,
        schedule: [fault('stop', 2_000, stopMs)],
        load: { slowShare: 0.03, slowMs: [stopMs + 4_000, stopMs + 5_000] },
        quietMs: 60_000,
      });
      expectKept(result, ['stop']);
      const [stopped] = recordsOf(result, 'life').filter(({ is }) => is === 'frozen');
      const thawed = placeOf(result, stopped?.instance ?? '', 'thawed');
      const told = result.records
        .slice(thawed)
        .filter((one) => one.kind === 'signal' && one.instance === stopped?.instance);
      expect(told.length, 'signals raised after it went on').toBeGreaterThan(0);
    },
  );
});

describe('F7: a stopped member of a Kafka group that goes on', () => {
  it('never moves the committed offsets back', { timeout: RUN_TIMEOUT_MS }, async () => {
    const result = await underFaults('kafka', { lengthMs: 14_000, schedule: [fault('stop', 2_000, 9_000)] });
    expectKept(result, ['stop']);
    const highest = new Map<string, number>();
    for (const { source, before } of recordsOf(result, 'settled')) {
      expect(before).toBeGreaterThanOrEqual(highest.get(source) ?? 0);
      highest.set(source, before);
    }
    expect(highest.size).toBeGreaterThan(0);
  });
});
