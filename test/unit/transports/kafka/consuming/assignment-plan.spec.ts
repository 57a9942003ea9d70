import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf, planAssignment } from '../../../../../lib/transports/kafka/consuming/assignment-plan.js';
import type { MemberState } from '../../../../../lib/transports/kafka/driver/assignment-wire.js';
import type { PartitionsByTopic } from '../../../../../lib/transports/kafka/driver/driver.js';

function member(
  memberId: string,
  topics: readonly string[],
  owned: PartitionsByTopic = {},
  generation = 1,
): MemberState {
  return { memberId, topics: new Set(topics), owned, generation };
}

const six = { orders: [0, 1, 2, 3, 4, 5] };

function flat(partitions: PartitionsByTopic): string[] {
  return Object.entries(partitions).flatMap(([topic, ids]) => ids.map((partition) => keyOf({ topic, partition })));
}

describe('The plan of an assignment', () => {
  it('shares out evenly what nobody has', () => {
    const { assignments, withheld } = planAssignment(
      ['a', 'b', 'c'].map((id) => member(id, ['orders'])),
      six,
    );
    expect([...assignments.values()].map((partitions) => flat(partitions).length)).toEqual([2, 2, 2]);
    expect(withheld).toEqual([]);
  });

  it('withholds what moves from a living member until that one has given it up', () => {
    const first = planAssignment([member('a', ['orders'], six), member('b', ['orders'])], six);
    expect(first.assignments.get('b')).toEqual({});
    expect(first.withheld).toHaveLength(3);
    const kept = first.assignments.get('a') ?? {};
    expect(flat(kept)).toHaveLength(3);

    const second = planAssignment([member('a', ['orders'], kept, 2), member('b', ['orders'], {}, 2)], six);
    expect(second.withheld).toEqual([]);
    expect(second.assignments.get('a')).toEqual(kept);
    expect(flat(second.assignments.get('b') ?? {})).toHaveLength(3);
  });

  it('gives a member no topic that it does not subscribe to', () => {
    const partitions = { orders: [0, 1], invoices: [0, 1] };
    const { assignments } = planAssignment(
      [member('old', ['orders']), member('new', ['orders', 'invoices'])],
      partitions,
    );
    expect(assignments.get('old')).toEqual({ orders: expect.any(Array) as number[] });
    expect(assignments.get('new')?.['invoices']).toEqual([0, 1]);
  });

  it('believes the claim of the highest generation', () => {
    const members = [member('zombie', ['orders'], six, 3), member('owner', ['orders'], six, 4)];
    const { assignments, withheld } = planAssignment(members, { orders: [0] });
    expect(assignments.get('owner')).toEqual({ orders: [0] });
    expect(withheld).toEqual([]);
  });

  it('keeps what is claimed of a topic that could not be looked up', () => {
    const { assignments } = planAssignment([member('a', ['far'], { far: [0, 7] }), member('b', ['orders'])], {
      orders: [0],
    });
    expect(assignments.get('a')).toEqual({ far: [0, 7] });
  });

  it('always gives each partition to at most one member, takes none away unless it helps, and settles down', () => {
    const topics = ['t1', 't2', 't3'];
    const anyMember = fc.record({
      topics: fc.subarray(topics, { minLength: 1 }),
      owned: fc.array(fc.tuple(fc.constantFrom(...topics), fc.nat(5))),
    });
    const partitions = { t1: [0, 1, 2, 3, 4, 5], t2: [0, 1, 2], t3: [0] };
    fc.assert(
      fc.property(fc.array(anyMember, { minLength: 1, maxLength: 5 }), (given) => {
        let members = given.map(({ topics: subscribed, owned }, index) => {
          const claims: Record<string, number[]> = {};
          for (const [topic, partition] of owned) (claims[topic] ??= []).push(partition);
          return member(`m${index}`, subscribed, claims);
        });
        for (let round = 0; round < 4; round += 1) {
          const { assignments, withheld } = planAssignment(members, partitions);
          const handedOut = [...assignments.values()].flatMap(flat);
          expect(new Set(handedOut).size).toBe(handedOut.length);
          const subscribed = new Set(members.flatMap((one) => [...one.topics]));
          const wanted = Object.entries(partitions)
            .filter(([topic]) => subscribed.has(topic))
            .flatMap(([topic, ids]) => flat({ [topic]: ids }));
          expect([...handedOut, ...withheld.map(keyOf)].toSorted()).toEqual(wanted.toSorted());
          if (round > 1) expect(withheld).toEqual([]);
          members = members.map((one) => ({
            ...one,
            owned: assignments.get(one.memberId) ?? {},
            generation: one.generation + 1,
          }));
        }
      }),
    );
  });
});
