import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../../lib/pools/fifo.js';

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant<'push'>('push'), value: fc.integer() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant<'shift'>('shift') }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant<'filter'>('filter'), divisor: fc.integer({ min: 2, max: 5 }) }),
  },
);

describe('Fifo', () => {
  it('gives out what an array would', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        for (const taken of steps) {
          if (taken.kind === 'push') {
            fifo.push(taken.value);
            model.push(taken.value);
          } else if (taken.kind === 'shift') {
            expect(fifo.shift()).toBe(model.shift());
          } else {
            fifo.filter((value) => value % taken.divisor === 0);
            model = model.filter((value) => value % taken.divisor === 0);
          }
          expect(fifo.size).toBe(model.length);
        }
      }),
    );
  });

  it('takes 1,000,000 in and gives them out in order, and is then as small as before', () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 1_000_000; i += 1) fifo.push(i);
    for (let i = 0; i < 1_000_000; i += 1) if (fifo.shift() !== i) expect.fail(`${i} is not next`);

    expect(fifo.size).toBe(0);
    expect(fifo.capacity).toBe(new Fifo<number>().capacity);
  });
});
