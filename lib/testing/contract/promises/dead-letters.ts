import { UnrecoverableError } from '../../../handlers/handler.errors.js';
import type { ContractTest, StoredMessage } from '../subject.js';

/** What the suite holds about giving up. */
export const DEAD_LETTERS: readonly ContractTest[] = [
  {
    name: 'retries by policy, then stores a dead letter, and settles the event only once that is confirmed',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const attempts: number[] = [];
      const app = await t.app({
        group,
        handlers: [
          {
            on: topic,
            handle: (_, { attempt }) => {
              attempts.push(attempt);
              throw new Error('never');
            },
          },
        ],
      });

      await app.bus.publish(topic, {}, { key: 'k' });
      await t.eventually(() => t.expect(app.spy.events.some(({ kind }) => kind === 'settle')).toBe(true));

      t.expect(attempts).toEqual([1, 2, 3]);
      const dead = `dead.${group}.${topic}`;
      const stored = app.spy.events.findIndex((event) => event.kind === 'confirmed' && event.topic === dead);
      const settled = app.spy.events.findIndex(({ kind }) => kind === 'settle');
      t.expect(stored, 'its dead letter is confirmed').toBeGreaterThan(-1);
      t.expect(settled, 'settled after that').toBeGreaterThan(stored);
      t.expect(await t.env.readBack(dead)).toHaveLength(1);
    },
  },
  {
    name: 'gives up at once on an unrecoverable error',
    run: async (t) => {
      const topic = await t.env.topic();
      let runs = 0;
      const app = await t.app({
        group: t.group(),
        handlers: [
          {
            on: topic,
            handle: () => {
              runs += 1;
              throw new UnrecoverableError();
            },
          },
        ],
      });

      await app.bus.publish(topic, {}, { key: 'k' });
      await t.eventually(() => t.expect(app.snapshot().totals.deadLettersStored).toBe(1));

      t.expect(runs).toBe(1);
    },
  },
  {
    name: 'stores in a dead letter the raw bytes and the original headers',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const body = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
      await t.app({ group, handlers: [{ on: topic, handle: refuse }] });

      await t.env.produceRaw(topic, {
        key: 'k',
        body,
        headers: [
          ['x-color', 'red'],
          ['content-type', 'application/octet-stream'],
        ],
      });

      const [letter] = await storedIn(`dead.${group}.${topic}`, 1, t);
      t.expect(Buffer.from(letter?.body ?? []).equals(body), 'the same bytes').toBe(true);
      t.expect(letter?.headers.some(([name, value]) => name.endsWith('x-color') && text(value) === 'red')).toBe(true);
    },
  },
  {
    name: 'stores one dead letter per group and handler, none taken for a duplicate of another or of the event',
    run: async (t) => {
      const topic = await t.env.topic();
      const groups = [t.group(), t.group()];
      const handlers = groups.flatMap((group) => [
        { on: topic, group, name: 'One', handle: refuse },
        { on: topic, group, name: 'Other', handle: refuse },
      ]);
      const app = await t.app({
        group: t.group(),
        handlers: handlers.map((one, i) => ({ ...one, name: `${one.name}${i}` })),
      });

      const { id } = await app.bus.publish(topic, {}, { key: 'k' });

      for (const group of groups) {
        const letters = await storedIn(`dead.${group}.${topic}`, 2, t);
        t.expect(letters).toHaveLength(2);
      }
      const ids = app.spy.events.flatMap((event) =>
        event.kind === 'publish' && event.topic !== topic ? [event.id] : [],
      );
      t.expect(new Set(ids).size).toBe(4);
      t.expect(ids.every((dead) => dead.startsWith(`${id}:`) && dead.endsWith(':dead'))).toBe(true);
    },
  },
  {
    name: 'does not give dead letters to handlers of wildcards, only to those that ask for them',
    run: async (t) => {
      const [family, group] = [await t.env.family(), t.group()];
      const topic = `${family}.placed`;
      await t.env.declare(topic);
      const seen: string[] = [];
      const note = (_: unknown, event: { readonly topic: string }): void => void seen.push(event.topic);
      const everything = `${family}.>`;
      const app = await t.app({
        group,
        handlers: [
          { on: topic, handle: refuse },
          { on: everything, group: `${group}-w`, handle: note },
        ],
      });
      await app.bus.publish(topic, {}, { key: 'k' });
      await storedIn(`dead.${group}.${topic}`, 1, t);

      await t.app({ group: `${group}-d`, handlers: [{ on: `dead.${group}.${topic}`, handle: note }] });

      await t.eventually(() => t.expect(seen).toEqual([topic, `dead.${group}.${topic}`]));
    },
  },
  {
    name: 'tries an event of a dead-letter topic again without end, and never stores a dead letter of it',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const [dead, rescue] = [`dead.${group}.${topic}`, t.group()];
      const publisher = await t.app({ group, handlers: [{ on: topic, handle: refuse }] });
      await publisher.bus.publish(topic, {}, { key: 'k' });
      await storedIn(dead, 1, t);
      let attempts = 0;

      const app = await t.app({
        group: rescue,
        handlers: [
          {
            on: dead,
            handle: () => {
              attempts += 1;
              if (attempts <= 6) throw new UnrecoverableError();
            },
          },
        ],
      });
      await t.eventually(() => t.expect(attempts).toBe(7));

      await t.eventually(() => t.expect(app.spy.inHand).toBe(0));
      t.expect(await t.env.readBack(`dead.${rescue}.${dead}`)).toHaveLength(0);
    },
  },
];

type Tools = Parameters<ContractTest['run']>[0];

/** Waits until a topic holds so many messages, and resolves with them. */
export function storedIn(topic: string, count: number, t: Tools): Promise<readonly StoredMessage[]> {
  return t.eventually(async () => {
    const stored = await t.env.readBack(topic);
    t.expect(stored.length, `messages in ${topic}`).toBeGreaterThanOrEqual(count);
    return stored;
  }, 1.5);
}

function refuse(): never {
  throw new UnrecoverableError('This one is never handled.');
}

function text(value: string | Uint8Array): string {
  return Buffer.from(value).toString();
}
