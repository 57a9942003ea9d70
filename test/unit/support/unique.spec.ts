import { describe, expect, it } from 'vitest';
import { unique } from '../../support/unique.js';

describe('unique', () => {
  it('never gives a name twice', () => {
    const names = Array.from({ length: 1_000 }, () => unique());

    expect(new Set(names).size).toBe(1_000);
  });

  it('keeps to letters, digits and dashes, which every broker takes in every name', () => {
    expect(unique('orders')).toMatch(/^orders-[0-9a-f]{12}$/);
  });
});
