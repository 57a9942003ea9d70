import { describe, expect, it } from 'vitest';
import { FAULTS, schedule } from '../../tools/chaos/schedule.js';

const OPTIONS = { seed: 42, lengthMs: 600_000, faults: FAULTS, leaseMs: 6_000 };

describe('a chaos schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(schedule(OPTIONS)).toEqual(schedule(OPTIONS));
    expect(schedule({ ...OPTIONS, seed: 43 })).not.toEqual(schedule(OPTIONS));
  });

  it('has every fault about as often', () => {
    const counts = FAULTS.map((fault) => schedule(OPTIONS).filter((planned) => planned.fault === fault).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('has none after its end, and at least the given time between two', () => {
    const planned = schedule({ ...OPTIONS, everyMs: [1_000, 2_000] });
    expect(planned.every(({ atMs }) => atMs < OPTIONS.lengthMs)).toBe(true);
    planned.slice(1).forEach(({ atMs }, at) => expect(atMs - (planned[at]?.atMs ?? 0)).toBeGreaterThanOrEqual(999));
  });

  it('stops some instances for longer than their lease', () => {
    const stops = schedule({ ...OPTIONS, faults: ['stop'] });
    expect(stops.some(({ lengthMs }) => lengthMs > OPTIONS.leaseMs)).toBe(true);
  });

  it('is empty without faults', () => {
    expect(schedule({ ...OPTIONS, faults: [] })).toEqual([]);
  });
});
