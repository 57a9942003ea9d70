import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeClock } from '../support/fake-clock.js';
import { expectKept, RUN_TIMEOUT_MS, TRANSPORTS, underFaults } from './support/chaos.js';

const HOUR_MS = 3_600_000;
const NEAR_MS = 60_000;

describe.each(TRANSPORTS)('F16: the clock of every instance jumps by an hour, forth and back, on %s', (transport) => {
  let clock: FakeClock;

  beforeAll(() => void (clock = new FakeClock()));
  afterAll(() => clock.remove());

  it('loses nothing, keeps the order, and moves no partition', { timeout: RUN_TIMEOUT_MS }, async () => {
    const jump = async (seconds: number): Promise<void> => {
      await sleep(2_500);
      clock.jumpTo(seconds);
    };
    const result = await underFaults(transport, {
      lengthMs: 10_000,
      schedule: [],
      env: clock.env,
      sampleEveryMs: 500,
      samplesCollect: false,
      meanwhile: async () => {
        await jump(3_600);
        await jump(-3_600);
        await jump(0);
      },
    });
    expectKept(result, []);
    const drifts = result.samples.map(({ wallMs, atMs }) => wallMs - atMs);
    const [first = 0] = drifts;
    for (const hours of [HOUR_MS, -HOUR_MS]) {
      expect(
        drifts.some((drift) => Math.abs(drift - first - hours) < NEAR_MS),
        'the clock was seen to jump',
      ).toBe(true);
    }
    expect(result.verdict.duplicates.redelivered, 'nobody lost what he owned').toEqual([]);
  });
});
