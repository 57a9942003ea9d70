import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ContractApp } from '../../../lib/testing/contract/contract-app.js';
import { keysOf, numbered } from '../../../lib/testing/contract/tools.js';
import { TRANSPORTS } from './support/environment.js';
import { useFaults } from './support/fault-tools.js';
import { IS_LONG } from './support/length.js';

const HOT = 'hot';
const COLD = keysOf(10);
const ROUNDS = 4;
/** 9 of 10 events. */
const HOT_A_ROUND = 9 * COLD.length;
const MANY_KEYS = IS_LONG ? 1_000_000 : 4_000;
const CHUNK = 2_000;
const WORKERS = 64;

describe.each(TRANSPORTS)('F19: keys that are anything but even, on $name', (transport) => {
  const faults = useFaults(transport);

  /** One event of each cold key and nine times as many of the hot one, mixed, as often as that. */
  async function publishMixed(t: ReturnType<typeof faults>, app: ContractApp, topic: string): Promise<void> {
    for (let n = 1; n <= ROUNDS; n += 1) {
      const from = 1 + (n - 1) * HOT_A_ROUND;
      await Promise.all([
        t.publishNumbered(app, topic, COLD, 1, n),
        t.publishNumbered(app, topic, [HOT], HOT_A_ROUND, from),
      ]);
    }
  }

  it('a key with 90 % of the traffic holds up no other, and is handled in order, also after a crash in its middle', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
    const gate = t.gate();
    const stuck = ({ key, n }: { readonly key: string; readonly n: number }, signal: AbortSignal): unknown =>
      key === HOT && n === HOT_A_ROUND ? gate.pass(signal) : turn();
    const first = await t.app({
      group,
      handlers: [{ on: topic, handle: t.bare(topic, group, (event, { signal }) => stuck(event, signal)) }],
    });

    await publishMixed(t, first, topic);
    await t.eventually(() => expect(gate.waiting, 'in the middle of the hot key').toBe(1));
    await t.handled(HOT_A_ROUND - 1 + ROUNDS * COLD.length);
    const ended = t.recorder.verdict().handled;
    expect(ended, 'all others, and of the hot one what comes before').toBe(HOT_A_ROUND - 1 + ROUNDS * COLD.length);
    expect(await t.faults.left(topic, group), 'waits').toBeGreaterThanOrEqual((ROUNDS - 1) * HOT_A_ROUND + 1);

    await first.crash();
    t.died();
    await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic) }] });
    const duplicates = transport.kind === 'kafka' ? ended : 0;
    const { verdict } = await t.accountsForAll(topic, group, { deadLetters: 0, duplicates });
    expect(verdict.handled).toBe(ROUNDS * (HOT_A_ROUND + COLD.length));
  });

  it(
    'very many keys are each handled in order, and cost nothing once they are idle',
    async () => {
      const t = faults();
      const [topic, group] = [await t.env.topic(), t.group()];
      /** Place of a key → its last number; a number that does not follow on it is a violation. */
      const last = new Uint8Array(MANY_KEYS);
      const violations: string[] = [];
      const handle = (data: unknown): void => {
        const { key, n } = numbered(data);
        const place = Number(key.slice(1));
        if (n !== (last[place] ?? 0) + 1) violations.push(`${key}/${n} after ${last[place]}`);
        last[place] = n;
      };
      const app = await t.app({ group, handlers: [{ on: topic, handle }] });

      for (const n of [1, 2]) {
        for (let from = 0; from < MANY_KEYS; from += CHUNK) {
          const keys = Array.from({ length: Math.min(CHUNK, MANY_KEYS - from) }, (_, at) => `k${from + at}`);
          const results = await app.bus.publishMany(keys.map((key) => ({ topic, data: { key, n }, options: { key } })));
          expect(results.filter(({ outcome }) => outcome !== 'confirmed')).toEqual([]);
        }
      }

      await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0), IS_LONG ? 50 : 2);
      expect(violations).toEqual([]);
      expect(
        last.every((n) => n === 2),
        'both of every key',
      ).toBe(true);
      expect(app.snapshot().totals.handled).toBe(2 * MANY_KEYS);
      expect(app.snapshot().pools['keyed'], 'at the end').toMatchObject({ running: 0, waiting: 0 });
    },
    IS_LONG ? 900_000 : 60_000,
  );

  it('events without a key run side by side, as many as there are workers, and a crash among them loses none', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
    const total = 4 * WORKERS;
    const handled = new Map<number, number>();
    const gate = t.gate();
    const start = (work: (signal: AbortSignal) => unknown): Promise<ContractApp> =>
      t.app({
        group,
        pools: { keyed: { workers: WORKERS } },
        handlers: [
          {
            on: topic,
            handle: async (data, { key, signal }) => {
              expect(key).toBeUndefined();
              const { n } = numbered(data);
              await work(signal);
              handled.set(n, (handled.get(n) ?? 0) + 1);
            },
          },
        ],
      });
    const first = await start((signal) => gate.pass(signal));
    const events = Array.from({ length: total }, (_, n) => ({ topic, data: { key: '', n } }));
    const results = await first.bus.publishMany(events);
    expect(results.filter(({ outcome }) => outcome !== 'confirmed')).toEqual([]);
    await t.eventually(() => expect(gate.waiting, 'at once').toBe(WORKERS));
    await first.crash();
    expect(handled.size, 'before the crash').toBe(0);

    await start(() => undefined);
    await t.eventually(() => expect(handled.size).toBe(total));
    await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
    expect([...handled.values()].filter((times) => times > 1)).toEqual([]);
  });
});
