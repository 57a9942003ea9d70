import type { PublishResult } from '../../../publishing/publish-result.js';
import type { ContractTest, StoredMessage } from '../subject.js';
import { keysOf, numbered } from '../tools.js';
import { storedIn } from './dead-letters.js';

/** What the suite holds about publishing. */
export const PUBLISHING: readonly ContractTest[] = [
  {
    name: 'confirms an event only when it is stored, at the position the confirm names',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      const results = await Promise.all(keysOf(5).map((key, n) => app.bus.publish(topic, { key, n }, { key })));

      const stored = await t.env.readBack(topic);
      t.expect(stored).toHaveLength(5);
      results.forEach((result, n) => {
        const there = stored.find(({ position }) => same(position, result.position));
        t.expect(JSON.parse(bodyOf(there)), 'what is stored there').toEqual({ key: `k${n}`, n });
      });
    },
  },
  {
    name: 'stores the same id once, and confirms it again as a duplicate',
    appliesTo: ({ deduplicates }) => deduplicates,
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      const first = await app.bus.publish(topic, {}, { key: 'k', id: 'same' });
      const second = await app.bus.publish(topic, {}, { key: 'k', id: 'same' });

      t.expect([first.duplicate, second.duplicate]).toEqual([false, true]);
      t.expect(await t.env.readBack(topic)).toHaveLength(1);
    },
  },
  {
    name: 'stores the publishes of a key in call order, also when many are on their way',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      await t.publishNumbered(app, topic, keysOf(10), 100);

      const order = new Map<string, number[]>();
      for (const message of await t.env.readBack(topic)) {
        const { key, n } = numbered(JSON.parse(bodyOf(message)));
        order.set(key, [...(order.get(key) ?? []), n]);
      }
      const wanted = Array.from({ length: 100 }, (_, index) => index + 1);
      t.expect(order.size).toBe(10);
      for (const [key, numbers] of order) t.expect(numbers, `order of ${key}`).toEqual(wanted);
    },
  },
  {
    name: 'publishMany gives one result an event, and an invalid one takes no other down',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      const results: readonly PublishResult[] = await app.bus.publishMany([
        { topic, data: { n: 1 }, options: { key: 'k' } },
        { topic: 'not a topic', data: { n: 2 } },
        { topic, data: { n: 3 }, options: { key: 'k' } },
      ]);

      t.expect(results.map(({ outcome }) => outcome)).toEqual(['confirmed', 'rejected', 'confirmed']);
      t.expect(await t.env.readBack(topic)).toHaveLength(2);
    },
  },
  {
    name: 'takes in with enqueue, and has it stored when flush resolves',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      const taken = keysOf(20).map((key) => app.bus.enqueue(topic, {}, { key }));
      await app.bus.flush();

      t.expect(taken.every(({ accepted }) => accepted)).toBe(true);
      t.expect(await t.env.readBack(topic)).toHaveLength(20);
    },
  },
  {
    name: 'rejects an event that is too large with an error that says so, and stays usable',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      const code = await codeOf(app.bus.publish(topic, 'x'.repeat(5_000_000), { key: 'k' }));

      t.expect(code).toBe('EVENT_BUS_MESSAGE_TOO_LARGE');
      t.expect((await app.bus.publish(topic, 'small', { key: 'k' })).outcome).toBe('confirmed');
      t.expect(await t.env.readBack(topic)).toHaveLength(1);
    },
  },
  {
    name: 'answers every publish exactly once, also those still on their way when it closes',
    run: async (t) => {
      const topic = await t.env.topic();
      const probe = t.probe();
      await probe.start();

      for (let slot = 0; slot < 50; slot += 1) probe.publish({ topic, id: t.group(), key: 'k', body: `${slot}` }, slot);
      await t.eventually(() => t.expect(probe.answers.length).toBeGreaterThanOrEqual(50));
      for (let slot = 50; slot < 60; slot += 1) probe.publish({ topic, id: t.group(), key: 'k', body: '' }, slot);
      await probe.close();

      const slots = probe.answers.map(({ slot }) => slot).toSorted((one, other) => one - other);
      t.expect(slots).toEqual(Array.from({ length: 60 }, (_, slot) => slot));
      t.expect(probe.answers.slice(0, 50).every((answer) => 'position' in answer)).toBe(true);
    },
  },
  {
    name: 'stays readable to foreign clients: CloudEvents attributes in headers, the data as the body',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      const { id } = await app.bus.publish(
        topic,
        { n: 1 },
        { key: 'kü y', type: 'Placed', headers: { 'x-color': 'grün' } },
      );

      const [message] = await storedIn(topic, 1, t);
      const headers = new Map(message?.headers.map(([name, value]) => [name, Buffer.from(value).toString()]));
      const prefix = headers.has('ce_id') ? 'ce_' : 'ce-';
      t.expect(headers.get(`${prefix}id`)).toBe(id);
      t.expect(headers.get(`${prefix}type`)).toBe('Placed');
      t.expect(headers.get(`${prefix}specversion`)).toBe('1.0');
      t.expect(JSON.parse(bodyOf(message))).toEqual({ n: 1 });
      if (t.capabilities.keys) t.expect(message?.key).toBe('kü y');
    },
  },
];

/** The code of what a promise rejects with, its cause's where that is more exact; `resolved` when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : undefined;
    return codeIn(cause) ?? codeIn(error) ?? String(error);
  }
}

export function bodyOf(message: StoredMessage | undefined): string {
  return Buffer.from(message?.body ?? []).toString();
}

function codeIn(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && code.startsWith('EVENT_BUS_') ? code : undefined;
}

function same(one: object, other: object): boolean {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return names.every((name) => Reflect.get(one, name) === Reflect.get(other, name));
}
