import { array, assert, boolean, constantFrom, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertPattern, assertTopic, coversPattern, isWildcard, matchesPattern } from '../../../lib/core/pattern.js';

const token = constantFrom('a', 'b', 'dead');
const topic = array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
const pattern = tuple(array(constantFrom('a', 'b', '*', 'dead'), { minLength: 1, maxLength: 4 }), boolean()).map(
  ([tokens, isOpen]) => [...tokens, ...(isOpen ? ['>'] : [])].join('.'),
);

describe('patterns', () => {
  it.each<[string, string, boolean]>([
    ['orders.placed', 'orders.placed', true],
    ['orders.*', 'orders.placed', true],
    ['orders.*', 'orders.placed.late', false],
    ['orders.*', 'orders', false],
    ['orders.>', 'orders', false],
    ['orders.>', 'orders.a.b', true],
    ['*.placed', 'orders.placed', true],
    ['>', 'a', true],
    ['>', 'dead.g.a', false],
    ['dead.>', 'dead.g.a', true],
    ['*.g.a', 'dead.g.a', false],
  ])('%s, matched with %s: %s', (wanted, given, matches) => {
    expect(matchesPattern(wanted, given)).toBe(matches);
  });

  it('cover only what they match', () => {
    assert(
      property(pattern, pattern, topic, (wide, narrow, given) => {
        if (!coversPattern(wide, narrow) || !matchesPattern(narrow, given)) return;
        expect(matchesPattern(wide, given)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it('cover what they should', () => {
    const covered = [
      ['a.>', 'a.*'],
      ['a.>', 'a.b.>'],
      ['*', 'a'],
      ['*.>', 'a.b'],
    ] as const;
    for (const [wide, narrow] of covered)
      expect([wide, narrow, coversPattern(wide, narrow)]).toEqual([wide, narrow, true]);
    expect(coversPattern('a.*', 'a.>')).toBe(false);
    expect(coversPattern('>', 'dead.a')).toBe(false);
  });

  it.each(['', 'a..b', '.a', 'a.', 'a b', 'ä', 'a.*', 'a.>', 'x'.repeat(250)])('are no topics: %j', (given) => {
    expect(() => assertTopic(given)).toThrow('EVENT_BUS_INVALID_TOPIC');
  });

  it.each(['a.>.b', 'a.b*', '>>', '', 'a..b'])('are not all legal: %j', (given) => {
    expect(() => assertPattern(given)).toThrow('EVENT_BUS_INVALID_TOPIC');
  });

  it('are told from topics', () => {
    expect(['a.*', 'a.>', 'a.b'].map(isWildcard)).toEqual([true, true, false]);
  });
});
