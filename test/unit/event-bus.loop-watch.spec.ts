import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diagnostics } from '../../lib/core/diagnostics.js';
import { LoopWatch } from '../../lib/event-bus.loop-watch.js';
import { FakeLogger } from './dispatch/support/fakes.js';

const reports: unknown[] = [];
const record = (message: unknown): void => void reports.push(message);

beforeEach(() => {
  reports.length = 0;
  diagnostics.eventLoopBlocked.subscribe(record);
});

afterEach(() => {
  diagnostics.eventLoopBlocked.unsubscribe(record);
});

/** A watch that looks every 100 ms, and for which 1 s is too long. */
function setup() {
  const clock = { ms: 5_000 };
  const logger = new FakeLogger();
  const watch = new LoopWatch({ bus: 'default', logger, everyMs: 100, blockedAfterMs: 1_000, now: () => clock.ms });
  const lookAfter = (ms: number) => {
    clock.ms += ms;
    watch.look();
  };
  clock.ms += 50_000;
  watch.begin();
  return { watch, logger, lookAfter };
}

describe('LoopWatch', () => {
  it('says nothing of looks that come in time, or a little late', () => {
    const { watch, logger, lookAfter } = setup();
    for (const ms of [100, 105, 1_000, 1_100]) lookAfter(ms);
    expect(watch.snapshot).toBeUndefined();
    expect(reports).toEqual([]);
    expect(logger.lines).toEqual([]);
  });

  it('says for how long the event loop was blocked, in the log, in diagnostics and in the snapshot', () => {
    const { watch, logger, lookAfter } = setup();
    for (const ms of [20_100, 100, 3_100]) lookAfter(ms);
    expect(reports).toEqual([
      { bus: 'default', blockedMs: 20_000 },
      { bus: 'default', blockedMs: 3_000 },
    ]);
    expect(logger.at('warn')).toEqual([
      expect.stringContaining('for 20000 ms: leases may have run out'),
      expect.stringContaining('for 3000 ms'),
    ]);
    expect(watch.snapshot).toEqual({ blocks: 2, longestMs: 20_000, lastMs: 3_000, lastAt: 78_300 });
  });
});
