import type { ContractTest } from '../subject.js';
import { keysOf, numbered } from '../tools.js';

/** What the suite holds about delivery: at least once, at most once, groups, restarts and crashes. */
export const DELIVERY: readonly ContractTest[] = [
  {
    name: 'does not run again the handler that succeeded when another of its group is retried',
    run: async (t) => {
      const topic = await t.env.topic();
      const runs = { steady: 0, shaky: 0 };
      const shaky = (): void => {
        runs.shaky += 1;
        if (runs.shaky < 3) throw new Error('not yet');
      };
      const app = await t.app({
        group: t.group(),
        handlers: [
          { on: topic, handle: () => void (runs.steady += 1) },
          { on: topic, handle: shaky },
        ],
      });

      await app.bus.publish(topic, {}, { key: 'k' });

      await t.eventually(() => t.expect(app.spy.events.filter(({ kind }) => kind === 'settle')).toHaveLength(1));
      t.expect(runs).toEqual({ steady: 1, shaky: 3 });
    },
  },
  {
    name: 'gives every group all events, with progress of its own',
    run: async (t) => {
      const topic = await t.env.topic();
      const [slow, quick] = [t.group(), t.group()];
      const gate = t.gate();
      const seen: Record<string, number[]> = { [slow]: [], [quick]: [] };
      const note = (data: unknown, { group }: { readonly group: string }): void =>
        void seen[group]?.push(numbered(data).n);
      const app = await t.app({
        group: quick,
        handlers: [
          { on: topic, handle: note },
          {
            on: topic,
            group: slow,
            handle: async (data, event) => {
              await gate.pass(event.signal);
              note(data, event);
            },
          },
        ],
      });

      await t.publishNumbered(app, topic, ['k'], 5);
      await t.eventually(() => t.expect(seen[quick]).toEqual([1, 2, 3, 4, 5]));
      t.expect(seen[slow]).toEqual([]);
      gate.open();

      await t.eventually(() => t.expect(seen[slow]).toEqual([1, 2, 3, 4, 5]));
      t.expect(seen[quick]).toHaveLength(5);
    },
  },
  {
    name: 'at-most-once: settles before the handler runs, and never retries',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const seen: string[] = [];
      const app = await t.app({
        group,
        groups: { [group]: { delivery: 'at-most-once' } },
        handlers: [
          {
            on: topic,
            handle: () => {
              seen.push(app.spy.events.some(({ kind }) => kind === 'settle-before') ? 'settled' : 'unsettled');
              throw new Error('never mind');
            },
          },
        ],
      });

      await app.bus.publish(topic, {}, { key: 'a' });
      await app.bus.publish(topic, {}, { key: 'b' });
      await t.eventually(() => t.expect(seen).toHaveLength(2));
      await app.close();

      t.expect(seen).toEqual(['settled', 'settled']);
    },
  },
  {
    name: 'at-most-once: a crash while the handler runs loses the event and never duplicates it',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const gate = t.gate();
      const groups = { [group]: { delivery: 'at-most-once' } } as const;
      const seen: string[] = [];
      const start = (instance: string, work: (signal: AbortSignal) => Promise<void>) =>
        t.app({
          group,
          groups,
          handlers: [
            {
              on: topic,
              handle: (data, event) => {
                seen.push(`${instance}${numbered(data).n}`);
                return work(event.signal);
              },
            },
          ],
        });

      const first = await start('a', (signal) => gate.pass(signal));
      await t.publishNumbered(first, topic, ['k'], 1);
      await t.eventually(() => t.expect(seen).toEqual(['a1']));
      await first.crash();
      const second = await start('b', () => Promise.resolve());
      await t.publishNumbered(second, topic, ['k'], 1, 2);
      await t.eventually(() => t.expect(seen).toContain('b2'));

      t.expect(seen).toEqual(['a1', 'b2']);
    },
  },
  {
    name: 'starts a new group at the earliest event by default, and at the latest when told so',
    run: async (t) => {
      const topic = await t.env.topic();
      const [earliest, latest] = [t.group(), t.group()];
      const seen: Record<string, number[]> = { [earliest]: [], [latest]: [] };
      const handle = (data: unknown, { group }: { readonly group: string }): void =>
        void seen[group]?.push(numbered(data).n);
      await t.publishNumbered(await t.publisher(), topic, ['k'], 3);

      const app = await t.app({
        group: earliest,
        groups: { [latest]: { startFrom: 'latest' } },
        handlers: [
          { on: topic, handle },
          { on: topic, group: latest, handle },
        ],
      });
      await t.eventually(() => t.expect(seen[earliest]).toEqual([1, 2, 3]));
      await t.eventually(() => t.expect(new Set([...app.spy.sources].map(({ group }) => group)).size).toBe(2));
      await t.publishNumbered(app, topic, ['k'], 2, 4);
      await t.eventually(() => t.expect(seen[latest]).toEqual([4, 5]));

      await t.eventually(() => t.expect(seen[earliest]).toEqual([1, 2, 3, 4, 5]));
      t.expect(seen[latest]).toEqual([4, 5]);
    },
  },
  {
    name: 'continues after a restart where it settled: what is settled is not delivered again',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const start = (instance: string) =>
        t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic, undefined, instance) }] });

      const first = await start('a');
      await t.publishNumbered(first, topic, keysOf(5), 4);
      await t.handled(20);
      await first.close();
      const second = await start('b');
      await t.publishNumbered(second, topic, keysOf(5), 1, 5);
      await t.handled(25);

      t.clean();
      t.expect(t.recorder.completions).toBe(25);
    },
  },
  {
    name: 'delivers again after a crash what was not settled, and before anything newer of its key',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      const gate = t.gate();
      const start = (instance: string, work: (n: number, signal: AbortSignal) => unknown) =>
        t.app({
          group,
          handlers: [
            {
              on: topic,
              handle: (data, event) => t.recorded(topic, ({ n }) => work(n, event.signal), instance)(data, event),
            },
          ],
        });

      const first = await start('a', (n, signal) => (n > 2 ? gate.pass(signal) : undefined));
      await t.publishNumbered(first, topic, keysOf(5), 6);
      await t.eventually(() => t.expect(gate.waiting).toBe(5));
      await first.crash();
      await t.publishNumbered(await t.publisher(), topic, keysOf(5), 4, 7);
      await start('b', () => undefined);
      await t.handled(50, 2.5);

      const { lost, orderViolations, gaps } = t.recorder.verdict();
      t.expect({ lost, orderViolations, gaps }).toEqual({ lost: [], orderViolations: [], gaps: [] });
    },
  },
];
