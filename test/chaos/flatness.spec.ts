import { describe, expect, it } from 'vitest';
import { coursesOf, isFlat, type Measure } from '../../tools/chaos/flatness.js';
import type { SampleRecord } from '../../tools/chaos/records.js';

const MEBIBYTE = 1_048_576;
const FLAT = { heapBytes: 40 * MEBIBYTE, handles: 10, timers: 5, listeners: 30 };

/** One sample a second; a measure may move with time. */
function samples(count: number, moving: Partial<Record<Measure, (at: number) => number>> = {}): SampleRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const moved = Object.fromEntries(Object.entries(moving).map(([measure, value]) => [measure, value(at)]));
    return { kind: 'sample', instance: 'i1', ...FLAT, ...moved, wallMs: at * 1_000, atMs: at * 1_000 };
  });
}

const growing = (all: readonly SampleRecord[]): string[] =>
  coursesOf(all).flatMap((course) => (isFlat(course) ? [] : [course.measure]));

describe('what surviving instances hold', () => {
  it('is flat when it stays the same, or moves up and down with the work', () => {
    expect(growing(samples(60))).toEqual([]);
    const upAndDown = (at: number): number => 5 + (at % 7) * 40;
    expect(growing(samples(60, { timers: upAndDown, handles: upAndDown, listeners: upAndDown }))).toEqual([]);
  });

  it.each<[Measure, (at: number) => number]>([
    ['heapBytes', (at) => (40 + at / 2) * MEBIBYTE],
    ['handles', (at) => 10 + Math.floor(at / 5)],
    ['timers', (at) => 5 + Math.floor(at / 2)],
    ['listeners', (at) => 30 + at],
  ])('is not flat when %s grows', (measure, value) => {
    expect(growing(samples(60, { [measure]: value }))).toEqual([measure]);
  });

  it('may grow while a process warms up', () => {
    expect(growing(samples(60, { heapBytes: (at) => (at < 12 ? 20 + at : 40) * MEBIBYTE }))).toEqual([]);
  });

  it('is not judged by a few samples', () => {
    expect(coursesOf(samples(5, { handles: (at) => at * 100 }))).toEqual([]);
  });
});
