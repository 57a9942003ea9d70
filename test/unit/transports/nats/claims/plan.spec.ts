import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Member, planShares, type Situation } from '../../../../../lib/transports/nats/claims/plan.js';
import type { ClaimRecord } from '../../../../../lib/transports/nats/claims/records.js';

const keysOf = (count: number): string[] => Array.from({ length: count }, (_, n) => (n === 0 ? 'S' : `S.${n - 1}`));
const knowing = (id: string, keys: readonly string[]): Member => ({ id, knows: new Set(keys) });
const owned = (owner: string): ClaimRecord => ({ owner, state: 'owned' });

function situation(ids: readonly string[], consumers: number, owners: readonly (string | undefined)[]): Situation {
  const keys = keysOf(consumers);
  const claims = new Map<string, ClaimRecord>();
  keys.forEach((key, at) => {
    const owner = owners[at];
    if (owner !== undefined) claims.set(key, owned(owner));
  });
  return { me: '', members: ids.map((id) => knowing(id, keys)), claims };
}

/** All do what the plan says, at once, until nobody has anything to do. */
function settle(start: Situation): { claims: Map<string, ClaimRecord>; moves: number } {
  const claims = new Map(start.claims);
  let moves = 0;
  for (let round = 0; round < 100; round++) {
    const plans = start.members.map(({ id }) => [id, planShares({ ...start, me: id, claims })] as const);
    if (plans.every(([, { take, give }]) => take.length + give.length === 0)) return { claims, moves };
    for (const [id, { take }] of plans) for (const key of take) claims.set(key, owned(id));
    for (const [, { give }] of plans) {
      for (const key of give) claims.delete(key);
      moves += give.length;
    }
  }
  throw new Error('the plan never rests');
}

describe('the plan', () => {
  it('gives each free consumer to one member', () => {
    const start = situation(['a', 'b', 'c'], 9, []);
    const plans = start.members.map(({ id }) => planShares({ ...start, me: id }));
    expect(plans.flatMap(({ take }) => take).toSorted()).toEqual(keysOf(9).toSorted());
    expect(plans.map(({ take }) => take.length)).toEqual([3, 3, 3]);
    expect(plans.flatMap(({ give }) => give)).toEqual([]);
  });

  it('asks the richest for no more than it takes to be even, and nobody else', () => {
    const start = situation(['a', 'b', 'c'], 6, ['a', 'a', 'a', 'a', 'b', 'b']);
    expect(planShares({ ...start, me: 'a' }).give).toHaveLength(2);
    expect(planShares({ ...start, me: 'b' }).give).toEqual([]);
  });

  it('counts what is being drained as given already', () => {
    const start = situation(['a', 'b'], 4, ['a', 'a', 'a', 'a']);
    const claims = new Map(start.claims);
    for (const key of planShares({ ...start, me: 'a' }).give) claims.set(key, { owner: 'a', state: 'draining' });
    expect(planShares({ ...start, me: 'a', claims }).give).toEqual([]);
    expect(planShares({ ...start, me: 'b', claims }).take).toEqual([]);
  });

  it('spreads each stream, not only their sum', () => {
    const keys = ['A', 'A.0', 'A.1', 'A.2', 'B', 'B.0', 'B.1', 'B.2'];
    const start: Situation = { me: '', members: ['a', 'b'].map((id) => knowing(id, keys)), claims: new Map() };
    const { take } = planShares({ ...start, me: 'a' });
    expect(take.filter((key) => key.startsWith('A'))).toHaveLength(2);
    expect(take.filter((key) => key.startsWith('B'))).toHaveLength(2);
  });

  it('gives nobody what it does not know, and rests all the same', () => {
    const [old, all] = [keysOf(3), [...keysOf(3), 'NEW', 'NEW.0', 'NEW.1', 'NEW.2']];
    const members = [knowing('old', old), knowing('new', all)];
    const { claims } = settle({ me: '', members, claims: new Map() });
    expect([...claims].filter(([key, { owner }]) => owner === 'old' && key.startsWith('NEW'))).toEqual([]);
    expect([...claims.values()].filter(({ owner }) => owner === 'old')).toHaveLength(3);
    expect(claims.size).toBe(7);
  });

  it('comes to rest within one of even from anywhere, moving no more than it must', () => {
    const ids = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 6 });
    const scene = fc
      .tuple(ids, fc.nat(20))
      .chain(([members, consumers]) =>
        fc.tuple(
          fc.constant(members),
          fc.constant(consumers + 1),
          fc.array(fc.option(fc.constantFrom(...members), { nil: undefined }), { maxLength: consumers + 1 }),
        ),
      );
    fc.assert(
      fc.property(scene, ([members, consumers, owners]) => {
        const start = situation(members, consumers, owners);
        const { claims, moves } = settle(start);
        const shares = members.map((id) => [...claims.values()].filter(({ owner }) => owner === id).length);
        expect(claims.size).toBe(consumers);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
        const fair = Math.floor(consumers / members.length);
        const before = members.map((id) => owners.filter((owner) => owner === id).length);
        const least = before.reduce((sum, count) => sum + Math.max(0, count - fair - 1), 0);
        expect(moves).toBeLessThanOrEqual(least + members.length);
      }),
    );
  });
});
