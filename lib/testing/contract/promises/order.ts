import type { ContractTest } from '../subject.js';
import { keysOf, numbered } from '../tools.js';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the suite holds about order and parallelism. */
export const ORDER: readonly ContractTest[] = [
  {
    name: 'handles each event once and keeps the order of a key, with keys side by side',
    run: async (t) => {
      const [topic, group] = [await t.env.topic(), t.group()];
      let [running, most] = [0, 0];
      const handle = t.recorded(topic, async ({ n }) => {
        running += 1;
        most = Math.max(most, running);
        await sleep(n % 3);
        running -= 1;
      });
      const app = await t.app({ group, handlers: [{ on: topic, handle }] });

      await t.publishNumbered(app, topic, keysOf(20), 20);
      await t.handled(400);

      t.clean();
      t.expect(t.recorder.completions).toBe(400);
      t.expect(most, 'handlers at once').toBeGreaterThan(1);
      t.expect(most, 'handlers at once').toBeLessThanOrEqual(20);
    },
  },
  {
    name: 'runs handlers of different keys at once, as many as there are workers, on one partition',
    run: async (t) => {
      const topic = await t.env.topic({ partitions: 1 });
      const gate = t.gate();
      const app = await t.app({
        group: t.group(),
        pools: { keyed: { workers: 32 } },
        handlers: [{ on: topic, handle: (_, { signal }) => gate.pass(signal) }],
      });

      await t.publishNumbered(app, topic, keysOf(40), 1);

      await t.eventually(() => t.expect(gate.waiting).toBe(32));
    },
  },
  {
    name: 'runs events without a key side by side',
    run: async (t) => {
      const topic = await t.env.topic({ partitions: 1 });
      const gate = t.gate();
      const handle = (_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<void> => gate.pass(signal);
      const app = await t.app({ group: t.group(), handlers: [{ on: topic, handle }] });

      await Promise.all(keysOf(8).map((n) => app.bus.publish(topic, { n })));

      await t.eventually(() => t.expect(gate.waiting).toBe(8));
    },
  },
  {
    name: 'keeps the order of a key while an earlier event is retried, and lets other keys go on',
    run: async (t) => {
      const topic = await t.env.topic({ partitions: 1 });
      const retried = t.gate();
      const handle = t.recorded(topic, async ({ key, n }, attempt) => {
        if (key !== 'k0' || n !== 1 || attempt === 3) return;
        if (attempt === 2) await retried.pass();
        throw new Error('not yet');
      });
      const app = await t.app({ group: t.group(), handlers: [{ on: topic, handle }] });

      await t.publishNumbered(app, topic, ['k0', 'k1'], 5);
      await t.handled(5);
      t.expect(t.recorder.completions).toBe(5);
      retried.open();
      await t.handled(10);

      t.clean();
    },
  },
  {
    name: 'goes on with the next event of a key once the one before is a dead letter',
    run: async (t) => {
      const topic = await t.env.topic();
      const seen: number[] = [];
      const handle = (data: unknown): void => {
        const { n } = numbered(data);
        seen.push(n);
        if (n === 1) throw new Error('never');
      };
      const app = await t.app({ group: t.group(), handlers: [{ on: topic, handle }] });

      await t.publishNumbered(app, topic, ['k'], 3);

      await t.eventually(() => t.expect(seen).toEqual([1, 1, 1, 2, 3]));
    },
  },
];
