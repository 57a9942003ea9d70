import { describe, expect, it } from 'vitest';
import { LaneNames } from '../../../lib/dispatch/lane-names.js';

describe('LaneNames', () => {
  it('gives one name to a group, a topic and a key, whatever was asked for between', () => {
    const names = new LaneNames();
    const first = names.nameOf('billing', 'orders.placed', 'a');

    names.nameOf('shipping', 'orders.placed', 'a');
    expect(names.nameOf('billing', 'orders.placed', 'a')).toBe(first);
  });

  it('never gives one name to two, also beyond the topics that get a number, and for keys that look like names', () => {
    const names = new LaneNames();
    const groups = ['billing', 'shipping', '1'];
    const keys = ['a', 'b', '1:a', '\u00011:a', 'a\0b', 'orders.7\0a'];
    const seen = new Set<string | undefined>();
    for (const group of groups)
      for (let topic = 0; topic < 5_000; topic++)
        for (const key of keys) seen.add(names.nameOf(group, `orders.${topic}`, key));

    expect(seen.size).toBe(groups.length * 5_000 * keys.length);
  });

  it('gives none without a key', () => {
    const names = new LaneNames();

    expect([names.nameOf('g', 't', undefined), names.nameOf('g', 't', '')]).toEqual([undefined, undefined]);
  });
});
