import type { EventContext } from '../../../handlers/event-context.js';
import type { ContractTest } from '../subject.js';
import { PUBLISHED, randomBodies, RECEIVED } from './bad-input.js';
import { storedIn } from './dead-letters.js';
import { codeOf } from './publishing.js';

const RANDOM_BODIES = 1_000;

/** What the suite holds about bad and unusual input. */
export const INPUT: readonly ContractTest[] = [
  {
    name: 'makes a dead letter of what cannot be decoded, handles what is merely unusual, and then the next event',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const cases = RECEIVED.filter(({ appliesTo }) => appliesTo?.(t.capabilities) ?? true);
      const seen: unknown[] = [];
      await t.app({ group, handlers: [{ on: topic, handle: (data) => void seen.push(data) }] });

      const wanted: unknown[] = [];
      let dead = 0;
      for (const { name, message, becomes, data } of cases) {
        await t.env.produceRaw(topic, message);
        await t.env.produceRaw(topic, { key: 'k', body: Buffer.from(JSON.stringify(`after ${name}`)) });
        if (becomes === 'handled') wanted.push(data);
        else dead += 1;
        wanted.push(`after ${name}`);
        await t.eventually(() => t.expect(sorted(seen), name).toEqual(sorted(wanted)));
      }

      const letters = await storedIn(`dead.${group}.${topic}`, dead, t);
      t.expect(letters).toHaveLength(dead);
      t.expect(Reflect.get({}, 'polluted'), 'a polluted prototype').toBe(undefined);
    },
  },
  {
    name: 'makes a dead letter of each of 1,000 random bodies, and handles the next event',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const seen: unknown[] = [];
      const app = await t.app({ group, handlers: [{ on: topic, handle: (data) => void seen.push(data) }] });

      await Promise.all(randomBodies(RANDOM_BODIES).map((body) => t.env.produceRaw(topic, { key: 'k', body })));
      await t.env.produceRaw(topic, { key: 'k', body: Buffer.from('"after"') });

      await t.eventually(() => t.expect(app.snapshot().totals.deadLettersStored).toBe(RANDOM_BODIES), 2.5);
      await t.eventually(() => t.expect(seen).toEqual(['after']));
    },
  },
  {
    name: 'answers bad events with a typed error before anything is sent, and delivers unusual ones exactly',
    run: async (t) => {
      const topic = await t.env.topic();
      const seen: { data: unknown; key: string | undefined; headers: Readonly<Record<string, string>> }[] = [];
      const handle = (data: unknown, { key, headers }: EventContext): void => void seen.push({ data, key, headers });
      const app = await t.app({ group: t.group(), handlers: [{ on: topic, handle }] });

      let wanted = 0;
      for (const one of PUBLISHED) {
        const data = 'data' in one ? one.data : {};
        const options = { key: 'k', headers: {}, ...one.options };
        const code = await codeOf(app.bus.publish(one.topic ?? topic, data, options));
        t.expect(code, one.name).toBe(one.becomes === 'handled' ? 'resolved' : one.becomes);
        if (one.becomes !== 'handled') continue;
        wanted += 1;
        await t.eventually(() => t.expect(seen, one.name).toHaveLength(wanted));
        const { key, headers } = options;
        t.expect(plain(seen.at(-1)), one.name).toEqual({ data, key, headers });
      }
    },
  },
  {
    name: 'counts an empty key as none',
    run: async (t) => {
      const topic = await t.env.topic();
      const keys: unknown[] = [];
      const app = await t.app({
        group: t.group(),
        handlers: [{ on: topic, handle: (_, { key }) => void keys.push(key) }],
      });

      await app.bus.publish(topic, {}, { key: '' });

      await t.eventually(() => t.expect(keys).toEqual([undefined]));
    },
  },
  {
    name: 'gives each attempt a freshly decoded body',
    run: async (t) => {
      const topic = await t.env.topic();
      const seen: unknown[] = [];
      const app = await t.app({
        group: t.group(),
        handlers: [
          {
            on: topic,
            handle: (data) => {
              seen.push(structuredClone(data));
              if (typeof data === 'object' && data !== null) Reflect.set(data, 'changed', true);
              if (seen.length < 3) throw new Error('not yet');
            },
          },
        ],
      });

      await app.bus.publish(topic, { n: 1 }, { key: 'k' });

      await t.eventually(() => t.expect(seen).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]));
    },
  },
  {
    name: 'lives on when a handler throws what is no error, or returns what never ends well',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const thrown: unknown[] = ['text', undefined, null, 7, Object.create(null), new Error('error')];
      let handled = 0;
      const app = await t.app({
        group,
        retry: { maxAttempts: 1 },
        handlers: [
          {
            on: topic,
            handle: (data) => {
              if (typeof data !== 'number') return void (handled += 1);
              if (data % 2 === 0) throw thrown[data / 2];
              return lastly(thrown[(data - 1) / 2]);
            },
          },
        ],
      });

      for (let n = 0; n < 2 * thrown.length; n += 1) await app.bus.publish(topic, n, { key: 'k' });
      await app.bus.publish(topic, 'after', { key: 'k' });

      await t.eventually(() => t.expect(handled).toBe(1));
      t.expect(app.snapshot().totals.deadLettersStored).toBe(2 * thrown.length);
    },
  },
];

/** Keyless events come in any order. */
function sorted(values: readonly unknown[]): string[] {
  return values.map((value) => JSON.stringify(value)).toSorted();
}

/** Rejects in a later turn, with whatever it is. */
async function lastly(reason: unknown): Promise<never> {
  await Promise.resolve();
  throw reason;
}

/** Headers have no prototype; for comparing, they get one. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
