import type { ContractTest } from '../subject.js';
import { storedIn } from './dead-letters.js';

/** What the suite holds about patterns and types. */
export const ROUTING: readonly ContractTest[] = [
  {
    name: 'matches `*` with one token and `>` with one or more, also in topics that appear later',
    run: async (t) => {
      const family = await t.env.family();
      const [one, two, late] = [`${family}.placed`, `${family}.placed.eu`, `${family}.late`];
      await t.env.declare(one);
      await t.env.declare(two);
      const seen: Record<string, string[]> = { one: [], all: [] };
      const note =
        (name: string) =>
        (_: unknown, { topic }: { readonly topic: string }) =>
          void seen[name]?.push(topic);
      const app = await t.app({
        group: t.group(),
        handlers: [
          { on: `${family}.*`, handle: note('one') },
          { on: `${family}.>`, group: t.group(), handle: note('all') },
        ],
      });

      for (const topic of [one, two]) await app.bus.publish(topic, {}, { key: 'k' });
      await t.eventually(() => t.expect(seen['all']?.toSorted()).toEqual([one, two].toSorted()));
      await t.env.declare(late);
      await app.bus.publish(late, {}, { key: 'k' });

      await t.eventually(() => t.expect(seen['all']?.toSorted()).toEqual([one, two, late].toSorted()), 2);
      await t.eventually(() => t.expect(seen['one']?.toSorted()).toEqual([one, late].toSorted()));
    },
  },
  {
    name: 'runs a handler of several patterns once for each event, however many of them match',
    run: async (t) => {
      const family = await t.env.family();
      const topic = `${family}.placed`;
      await t.env.declare(topic);
      let runs = 0;
      const app = await t.app({
        group: t.group(),
        handlers: [{ on: [topic, `${family}.*`, `${family}.>`], handle: () => void (runs += 1) }],
      });

      for (let n = 0; n < 3; n += 1) await app.bus.publish(topic, { n }, { key: 'k' });
      await t.eventually(() => t.expect(app.snapshot().totals.handled).toBe(3));

      t.expect(runs).toBe(3);
    },
  },
  {
    name: 'routes by type; what nobody handles is ignored and counted',
    run: async (t) => {
      const topic = await t.env.topic();
      const seen: string[] = [];
      const note =
        (name: string) =>
        (_: unknown, { type }: { readonly type: string }) =>
          void seen.push(`${name} ${type}`);
      const app = await t.app({
        group: t.group(),
        handlers: [
          { on: topic, type: 'Placed', handle: note('placed') },
          { on: topic, type: 'Paid', handle: note('paid') },
        ],
      });

      for (const type of ['Placed', 'Lost', 'Paid']) await app.bus.publish(topic, {}, { key: 'k', type });
      await t.eventually(() => t.expect(seen).toEqual(['placed Placed', 'paid Paid']));

      t.expect(app.snapshot().totals.ignored).toBe(1);
      await t.eventually(() => t.expect(app.spy.inHand).toBe(0));
    },
  },
  {
    name: 'stores what nobody handles as a dead letter, when told so',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      let runs = 0;
      const app = await t.app({
        group,
        unmatched: 'dead-letter',
        handlers: [{ on: topic, type: 'Placed', handle: () => void (runs += 1) }],
      });

      for (const type of ['Lost', 'Placed']) await app.bus.publish(topic, {}, { key: 'k', type });

      await storedIn(`dead.${group}.${topic}`, 1, t);
      await t.eventually(() => t.expect(runs).toBe(1));
    },
  },
];
