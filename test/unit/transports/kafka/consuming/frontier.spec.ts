import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DoneRanges } from '../../../../../lib/transports/kafka/consuming/done-ranges.js';
import { type Entry, Frontier } from '../../../../../lib/transports/kafka/consuming/frontier.js';

describe('Frontier', () => {
  it('stands at the first delivered offset that is not settled', () => {
    const frontier = new Frontier(10n);
    const [first, second, third] = [10n, 11n, 12n].map((offset) => frontier.deliver(offset));

    if (second) frontier.settle(second);
    expect(frontier.frontier).toBe(10n);
    expect(frontier.uncommitted).toBe(3);
    if (first) frontier.settle(first);
    expect(frontier.frontier).toBe(12n);
    if (third) frontier.settle(third);
    expect(frontier.frontier).toBe(13n);
  });

  it('takes offsets that were never delivered for done: compaction and control records leave holes', () => {
    const frontier = new Frontier(0n);
    const entry = frontier.deliver(5n);
    frontier.skipTo(9n);
    expect(frontier.frontier).toBe(5n);
    frontier.settle(entry);
    expect(frontier.frontier).toBe(9n);
  });

  it('never goes back', () => {
    const frontier = new Frontier(7n);
    frontier.skipTo(3n);
    expect(frontier.position).toBe(7n);
  });

  it('agrees with a plain model, whatever is settled in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat())), (steps) => {
        const frontier = new Frontier(0n);
        const open: Entry[] = [];
        let next = 0n;
        for (const [gap, pick] of steps) {
          next += BigInt(gap);
          open.push(frontier.deliver(next));
          next += 1n;
          if (pick % 2 === 0) {
            const [settled] = open.splice(pick % open.length, 1);
            if (settled) frontier.settle(settled);
          }
          const lowest = open.reduce((least, { offset }) => (offset < least ? offset : least), next);
          expect(frontier.frontier).toBe(lowest);
          expect(frontier.position).toBe(next);
        }
      }),
    );
  });

  it('keeps its promise over many chunks', () => {
    const frontier = new Frontier(0n);
    const entries = Array.from({ length: 5_000 }, (_, offset) => frontier.deliver(BigInt(offset)));
    for (const entry of entries.toReversed()) frontier.settle(entry);
    expect(frontier.frontier).toBe(5_000n);
    expect(frontier.uncommitted).toBe(0);
  });
});

/** What a commit could say of done offsets past the frontier. */
function doneIn(frontier: Frontier): number[] {
  const done: number[] = [];
  let at = Number(frontier.frontier);
  for (const [index, run] of frontier.runs().entries()) {
    for (let i = 0; i < run; i += 1) if (index % 2 === 1) done.push(at + i);
    at += run;
  }
  return done;
}

describe('What is done past the frontier', () => {
  it('is known as runs, not done and done by turns', () => {
    const frontier = new Frontier(10n);
    const entries = Array.from({ length: 8 }, (_, i) => frontier.deliver(10n + BigInt(i)));
    for (const index of [2, 3, 6]) {
      const entry = entries[index];
      if (entry) frontier.settle(entry);
    }
    expect(frontier.runs()).toEqual([2, 2, 2, 1]);
    expect([frontier.islands, frontier.spread]).toEqual([2, 7]);
  });

  it('agrees with a plain model, whatever is settled in whatever order, and whatever a predecessor had done', () => {
    const inheritedRuns = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 })), {
      maxLength: 6,
    });
    const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(7)), { maxLength: 80 });
    fc.assert(
      fc.property(steps, inheritedRuns, fc.integer({ min: 1, max: 3 }), (list, gaps, patience) => {
        let at = 0n;
        const ranges = gaps.map(([gap, length]): [bigint, bigint] => {
          const from = at + BigInt(gap);
          at = from + BigInt(length);
          return [from, at];
        });
        const inherited = (offset: number): boolean => ranges.some(([from, to]) => from <= offset && offset < to);
        const frontier = new Frontier(0n, new DoneRanges(ranges));
        const open: Entry[] = [];
        const ahead = Array.from({ length: Number(at) }, (_, offset) => offset).filter(inherited);
        const done = new Set<number>();
        let next = 0;
        for (const [gap, pick] of list) {
          next += gap;
          const offset = BigInt(next);
          if (inherited(next)) {
            expect(frontier.takeInherited(offset)).toBe(true);
            done.add(next);
          } else {
            expect(frontier.takeInherited(offset)).toBe(false);
            open.push(frontier.deliver(offset));
          }
          next += 1;
          if (pick % patience === 0 && open.length > 0) {
            const [settled] = open.splice(pick % open.length, 1);
            if (settled) frontier.settle(settled);
            if (settled) done.add(Number(settled.offset));
          }
          const lowest = open.reduce((least, entry) => Math.min(least, Number(entry.offset)), next);
          expect(frontier.frontier).toBe(BigInt(lowest));
          const said = new Set(doneIn(frontier));
          const expected = [...done, ...ahead.filter((one) => one >= next)];
          for (const one of expected) if (one >= lowest) expect(said).toContain(one);
          for (const entry of open) expect(said).not.toContain(Number(entry.offset));
          const runs = frontier.runs();
          expect(runs.length).toBeLessThanOrEqual(frontier.islands * 2);
          expect(runs.reduce((sum, run) => sum + run, 0)).toBeLessThanOrEqual(frontier.spread);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('holds over many chunks that are cut off', () => {
    const frontier = new Frontier(0n);
    const entries = Array.from({ length: 10_000 }, (_, offset) => frontier.deliver(BigInt(offset)));
    for (const entry of entries) if (entry.index % 2 === 1 && entry.index > 9_000) frontier.settle(entry);
    for (const entry of entries) if (entry.index < 9_000) frontier.settle(entry);
    expect(frontier.frontier).toBe(9_000n);
    expect([frontier.islands, frontier.spread]).toEqual([500, 1_000]);
    for (const entry of entries) frontier.settle(entry);
    expect([frontier.frontier, frontier.islands, frontier.uncommitted]).toEqual([10_000n, 0, 0]);
  });

  it('says what it waits for', () => {
    const frontier = new Frontier(5n);
    expect(frontier.held).toBeUndefined();
    const [first, second] = [frontier.deliver(5n), frontier.deliver(6n)];
    first.key = Buffer.from('slow');
    frontier.settle(second);
    expect(frontier.held).toMatchObject({ offset: 5n, key: Buffer.from('slow') });
    frontier.settle(first);
    expect(first.key).toBeNull();
  });
});
