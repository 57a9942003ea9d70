import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
