import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exceedsDepth } from '../../../lib/envelope/json-depth.js';

const bytes = (text: string): Buffer => Buffer.from(text);

/** The plain way to say it, over parsed JSON. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('exceedsDepth', () => {
  it.each([
    ['[[1]]', 2, false],
    ['[[1]]', 1, true],
    ['{"a":{"b":1}}', 1, true],
    ['[[],[],[],[]]', 2, false],
    ['"[[[[[[[["', 1, false],
    ['["\\"[[[[[[[["]', 1, false],
    ['["\\\\",[1]]', 1, true],
    ['[1]]]]]]]]', 1, false],
  ])('says of %s and %i: %s', (text, max, expected) => {
    expect(exceedsDepth(bytes(text), max)).toBe(expected);
  });

  it('never misses depth in something that parses', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 4 }), (value, max) => {
        expect(exceedsDepth(bytes(JSON.stringify(value)), max)).toBe(depthOf(value) > max);
      }),
    );
  });
});
