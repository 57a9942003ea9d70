import { setTimeout as sleep } from 'node:timers/promises';
import type { ContractTest } from '../subject.js';
import { keysOf, numbered } from '../tools.js';

/** Events to get through with little credit. */
const BACKLOG = 120;
const SMALL_FETCH_BYTES = 4_096;
/** What was asked for before a pause may still come: a fetch that waits at the broker does so for less than this. */
const ASKED_BEFORE_MS = 400;

/** What the suite holds about backpressure: bounded, and nothing dropped. */
export const CREDIT: readonly ContractTest[] = [
  {
    name: 'has never more in hand than the credit and what one fetch may bring, and drops nothing',
    run: async (t) => {
      const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
      const publisher = await t.publisher();
      for (let n = 0; n < BACKLOG; n += 1) await publisher.bus.publish(topic, 'x'.repeat(400), { key: 'k' });
      const probe = t.probe({ credit: 8, settling: 'by-hand' }, SMALL_FETCH_BYTES);

      await probe.start({ group, patterns: [topic] });
      let settled = 0;
      const settleSome = (): void => {
        const waiting = probe.deliveries.slice(settled, settled + 3);
        for (const delivery of waiting) probe.settle(delivery);
        settled += waiting.length;
        t.expect(settled).toBe(BACKLOG);
      };
      await t.eventually(settleSome, 2);

      const smallest = Math.min(...probe.deliveries.map(({ sizeBytes }) => sizeBytes));
      const fetch = t.capabilities.credit === 'fetch' ? Math.ceil(SMALL_FETCH_BYTES / smallest) : 0;
      t.expect(probe.maxInHand, 'in hand').toBeLessThanOrEqual(8 + fetch);
      t.expect(probe.deliveries).toHaveLength(BACKLOG);
    },
  },
  {
    name: 'delivers nothing more while there is no credit, and goes on when it comes back',
    appliesTo: ({ credit }) => credit === 'messages',
    run: async (t) => {
      const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
      await t.publishNumbered(await t.publisher(), topic, ['k'], 20);
      const probe = t.probe({ credit: 5, settling: 'by-hand' });

      await probe.start({ group, patterns: [topic] });
      await t.eventually(() => t.expect(probe.deliveries).toHaveLength(5));
      await sleep(150);
      t.expect(probe.deliveries).toHaveLength(5);
      for (const delivery of probe.deliveries.slice(0, 2)) probe.settle(delivery);

      await t.eventually(() => t.expect(probe.deliveries).toHaveLength(7));
    },
  },
  {
    name: 'holds the bounds of its queues under a backlog, and handles all of it',
    run: async (t) => {
      const topic = await t.env.topic({ partitions: 1 });
      await t.publishNumbered(await t.publisher(), topic, keysOf(25), 20);

      const app = await t.app({
        group: t.group(),
        pools: { keyed: { workers: 4, queueSize: 20 } },
        handlers: [{ on: topic, handle: t.recorded(topic, () => new Promise((done) => setImmediate(done))) }],
      });
      await t.handled(500);

      t.clean();
      const bound = askedBefore(20, app.spy.sources.size);
      if (t.capabilities.credit === 'messages') t.expect(app.spy.maxInHand).toBeLessThanOrEqual(bound);
    },
  },
  {
    name: 'stops only the source of a key that is stuck, and says which key it is',
    run: async (t) => {
      const [stuck, free] = [await t.env.topic({ partitions: 1 }), await t.env.topic({ partitions: 1 })];
      const gate = t.gate();
      const seen = { stuck: 0, free: 0 };
      const app = await t.app({
        group: t.group(),
        pools: { keyed: { queueSizePerKey: 5 } },
        handlers: [
          {
            on: stuck,
            handle: async (_, { signal }) => {
              await gate.pass(signal);
              seen.stuck += 1;
            },
          },
          { on: free, handle: () => void (seen.free += 1) },
        ],
      });

      await t.publishNumbered(app, stuck, ['k'], 30);
      await t.publishNumbered(app, free, ['k'], 30);
      await t.eventually(() => t.expect(seen).toEqual({ stuck: 0, free: 30 }));
      await t.eventually(() =>
        t.expect(app.snapshot().consumers.map(({ blockedByKey }) => blockedByKey)).toContain('k'),
      );
      gate.open();

      await t.eventually(() => t.expect(seen).toEqual({ stuck: 30, free: 30 }));
    },
  },
  {
    name: 'asks for nothing more for a paused group, and goes on where it was when resumed',
    run: async (t) => {
      const topic = await t.env.topic();
      const [paused, other] = [t.group(), t.group()];
      const seen: Record<string, number[]> = { [paused]: [], [other]: [] };
      const handle = (data: unknown, { group }: { readonly group: string }): void =>
        void seen[group]?.push(numbered(data).n);
      const app = await t.app({
        group: other,
        handlers: [
          { on: topic, handle },
          { on: topic, group: paused, handle },
        ],
      });
      await t.publishNumbered(app, topic, ['k'], 1);
      await t.eventually(() => t.expect(seen).toEqual({ [paused]: [1], [other]: [1] }));

      app.bus.pause(paused);
      await sleep(ASKED_BEFORE_MS);
      await t.publishNumbered(app, topic, ['k'], 3, 2);
      await t.eventually(() => t.expect(seen[other]).toEqual([1, 2, 3, 4]));
      await sleep(200);
      const before = seen[paused]?.length;
      app.bus.resume(paused);

      await t.eventually(() => t.expect(seen[paused]).toEqual([1, 2, 3, 4]));
      t.expect(before, 'while paused').toBe(1);
    },
  },
];

/** Sources share a queue; what one had asked for before the next of them came counts by the share it had then. */
function askedBefore(queueSize: number, sources: number): number {
  const shares = Array.from({ length: sources }, (_, index) => Math.ceil(queueSize / (index + 1)));
  return shares.reduce((sum, share) => sum + share, 0);
}
