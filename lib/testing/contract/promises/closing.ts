import type { EventContext } from '../../../handlers/event-context.js';
import type { ContractTest } from '../subject.js';
import { keysOf } from '../tools.js';
import { codeOf } from './publishing.js';

/** What the suite holds about shutting down. */
export const CLOSING: readonly ContractTest[] = [
  {
    name: 'finishes and settles at shutdown what is in hand, so that nobody gets it again',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const gate = t.gate();
      const start = (instance: string, work: () => unknown) =>
        t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic, work, instance) }] });

      const first = await start('a', () => gate.pass());
      await t.publishNumbered(first, topic, keysOf(5), 2);
      await t.eventually(() => t.expect(gate.waiting).toBe(5));
      const closing = first.close();
      await t.eventually(() => t.expect(first.snapshot().state).toBe('draining'));
      gate.open();
      await closing;
      const atClose = t.recorder.completions;
      const second = await start('b', () => undefined);
      await t.publishNumbered(second, topic, keysOf(5), 1, 3);
      await t.handled(15);

      t.clean();
      t.expect(atClose, 'handled before close resolved').toBe(10);
    },
  },
  {
    name: 'names what the drain deadline leaves, by topic, key, handler and age, and another instance gets it',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const gate = t.gate();
      const hung = (data: unknown, context: EventContext): Promise<unknown> =>
        t.recorded(topic, ({ key }) => (key === 'k0' ? gate.pass(context.signal) : undefined), 'a')(data, context);

      const first = await t.app({ group, shutdownTimeoutMs: 2_500, handlers: [{ on: topic, handle: hung }] });
      await t.publishNumbered(first, topic, keysOf(3), 2);
      await t.eventually(() => t.expect([gate.waiting, t.recorder.completions]).toEqual([1, 4]));
      await first.close();
      const { leftBehind } = first.snapshot();
      await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic, undefined, 'b') }] });
      await t.handled(6);

      t.clean();
      const { events = [], ...facts } = leftBehind ?? {};
      const [handler] = events.map((event) => event.handler);
      const left = { group, topic, key: 'k0', handler };
      t.expect(facts).toMatchObject({ why: 'shutdown', count: 2, lost: 0 });
      t.expect(events).toMatchObject([
        { ...left, state: 'running', attempt: 1 },
        { ...left, state: 'dropped', attempt: 0 },
      ]);
      t.expect(handler?.includes('.'), `Class.method: ${handler}`).toBe(true);
      for (const { ageMs } of events) t.expect(ageMs, 'how long it has been here').toBeGreaterThan(0);
    },
  },
  {
    name: 'leaves nothing open: no handle, no socket, no timer; and closes once, however often it is told to',
    run: async (t) => {
      const topic = await t.env.topic();
      await cycle(t, topic);
      const before = resources();

      const app = await cycle(t, topic);
      await app.close();

      t.expect(app.snapshot().handles.map(({ kind, name }) => `${kind} ${name}`)).toEqual([]);
      await t.eventually(() => t.expect(more(resources(), before)).toEqual([]));
    },
  },
  {
    name: 'refuses a publish after close with a typed error',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();
      await app.close();

      t.expect(await codeOf(app.bus.publish(topic, {}))).toBe('EVENT_BUS_NOT_OPEN');
    },
  },
  {
    name: 'confirms at shutdown what is still on its way',
    run: async (t) => {
      const topic = await t.env.topic();
      const app = await t.publisher();

      const publishing = Promise.allSettled(keysOf(50).map((key) => app.bus.publish(topic, {}, { key })));
      await app.close();

      t.expect((await publishing).filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
      t.expect(await t.env.readBack(topic)).toHaveLength(50);
    },
  },
];

type Tools = Parameters<ContractTest['run']>[0];

async function cycle(t: Tools, topic: string) {
  const app = await t.app({ group: t.group(), handlers: [{ on: topic, handle: () => undefined }] });
  await app.bus.publish(topic, {}, { key: 'k' });
  await t.eventually(() => t.expect(app.snapshot().totals.handled).toBeGreaterThan(0));
  await app.close();
  return app;
}

/** Kind → how many of it keep the process alive. */
function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** What there is more of than before; others may have closed something meanwhile. */
function more(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): string[] {
  return [...now].flatMap(([kind, count]) => {
    const had = before.get(kind) ?? 0;
    return count > had ? [`${kind}: ${count}, had ${had}`] : [];
  });
}
