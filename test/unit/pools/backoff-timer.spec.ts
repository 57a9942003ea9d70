import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackoffTimer } from '../../../lib/pools/backoff-timer.js';
import { Group, Lane } from '../../../lib/pools/lane.js';
import { ScriptedTask } from './scripted-task.js';

const lane = (key: string): Lane => new Lane(new Group('group'), key, new ScriptedTask());

function setup() {
  const resumed: { readonly key: string | undefined; readonly at: number }[] = [];
  const timer = new BackoffTimer(
    () => performance.now(),
    (lanes) => resumed.push(...lanes.map(({ key }) => ({ key, at: performance.now() }))),
  );
  return { timer, resumed };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('BackoffTimer', () => {
  it('resumes each lane when it is due, not before, with one timer for all', () => {
    const delays = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(delays, (delaysMs) => {
        const { timer, resumed } = setup();
        const start = performance.now();
        for (const delayMs of delaysMs) timer.add(lane(String(start + delayMs)), delayMs);
        expect(vi.getTimerCount()).toBe(1);

        vi.advanceTimersByTime(5_000);

        expect(resumed.map(({ key }) => Number(key))).toEqual(resumed.map(({ at }) => at));
        expect(resumed).toHaveLength(delaysMs.length);
        expect(timer.size).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });

  it('does not resume before a due time between two milliseconds', () => {
    const { timer, resumed } = setup();
    timer.add(lane('a'), 10.5);

    vi.advanceTimersByTime(10);
    expect(resumed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(resumed).toHaveLength(1);
  });

  it('waits longer than one timer can', () => {
    const { timer, resumed } = setup();
    const setTimer = vi.spyOn(globalThis, 'setTimeout');
    timer.add(lane('a'), 2 ** 31 + 1_000);

    vi.advanceTimersByTime(2 ** 31 + 999);
    expect(resumed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(resumed).toHaveLength(1);
    expect(setTimer.mock.calls.filter(([, ms]) => ms === undefined || ms >= 2 ** 31)).toEqual([]);
    setTimer.mockRestore();
  });

  it('has no timer once nothing waits', () => {
    const { timer } = setup();
    for (const delayMs of [30, 10, 20]) timer.add(lane(String(delayMs)), delayMs);
    timer.filter(({ key }) => key === '20');
    expect([timer.size, vi.getTimerCount()]).toEqual([1, 1]);

    timer.filter(() => false);
    expect([timer.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
