import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesPattern } from '../../../../lib/core/pattern.js';
import { covers, disjoint, hull, intersect } from '../../../../lib/transports/nats/subjects.js';

const token = fc.constantFrom('a', 'b', 'c');
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, open]) => [...tokens, ...(open ? ['>'] : [])].join('.'));

describe('subjects', () => {
  it('intersect to what both match', () => {
    fc.assert(
      fc.property(pattern, pattern, subject, (a, b, one) => {
        const both = intersect(a, b);
        expect(both !== undefined && matchesPattern(both, one)).toBe(matchesPattern(a, one) && matchesPattern(b, one));
      }),
    );
  });

  it('have a hull that matches what either matches', () => {
    fc.assert(
      fc.property(pattern, pattern, subject, (a, b, one) => {
        if (matchesPattern(a, one) || matchesPattern(b, one)) expect(matchesPattern(hull(a, b), one)).toBe(true);
        expect(covers(hull(a, b), a) && covers(hull(a, b), b)).toBe(true);
      }),
    );
  });

  it('become filters that do not overlap and miss nothing', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 6 }), subject, (patterns, one) => {
        const filters = disjoint(patterns);
        filters.forEach((a, i) => filters.slice(i + 1).forEach((b) => expect(intersect(a, b)).toBeUndefined()));
        if (patterns.some((each) => matchesPattern(each, one)))
          expect(filters.some((each) => matchesPattern(each, one))).toBe(true);
      }),
    );
  });

  it('keep a filter as narrow as it is where none overlaps another', () => {
    expect(disjoint(['orders.placed', 'orders.paid'])).toEqual(['orders.placed', 'orders.paid']);
    expect(disjoint(['orders.placed', 'orders.>'])).toEqual(['orders.>']);
    expect(disjoint(['orders.*', '*.placed'])).toEqual(['*.*']);
  });
});
