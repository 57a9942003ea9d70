import { describe, expect, it } from 'vitest';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import { useChildren } from './support/children.js';
import { BROKERS, type TransportUnderTest } from './support/environment.js';
import { useFaults } from './support/fault-tools.js';
import { IS_LONG } from './support/length.js';
import type { RecordFile } from './support/record-file.js';

const KEYS = keysOf(6);
const EVENTS = 40;
const AT = { key: 'k2', n: 7 };
/** Kafka's own lowest by default, and the shortest that is of any use on NATS. */
const LEASE_MS = { memory: 0, nats: 1_500, kafka: 6_000 } as const;

/** Long enough for another instance to take over. */
const LOOP_MS = { memory: 0, nats: 6_000, kafka: 8_000 } as const;

function loopMs({ kind }: TransportUnderTest): number {
  return IS_LONG ? 20_000 : LOOP_MS[kind];
}

/** Handlers that an instance has begun while the loop of the other went on. */
function begunDuringLoop(records: RecordFile, instance: string): number {
  const all = records.records();
  const loop = all.findIndex((one) => one.kind === 'started' && one.key === AT.key && one.sequence === AT.n);
  const run = all[loop];
  const end = all.findIndex((one) => one.kind === 'ended' && run?.kind === 'started' && one.run === run.run);
  return all.slice(loop, end).filter((one) => one.kind === 'started' && one.instance === instance).length;
}

describe.each(BROKERS)('F9: a handler that loops for longer than its lease, on $name', (transport) => {
  const faults = useFaults(transport);
  const scene = useChildren(transport);
  const leaseMs = LEASE_MS[transport.kind];

  it('loses nothing and keeps the order when the only instance is blocked and recovers', async () => {
    const t = faults();
    const { topic, group, records, publish, start } = await scene(t);
    const child = await start('a', { leaseMs, fault: 'loop', loopMs: loopMs(transport), at: AT });

    const published = await publish(KEYS, EVENTS);

    await t.eventually(() => expect(records.verdict().handled).toBe(published), 3);
    await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
    expect(child.said).toContain('"looping"');
    expect(records.verdict()).toMatchObject({ lost: [], orderViolations: [], gaps: [] });
    await child.close();
  }, 60_000);

  it('loses nothing when another instance takes over: the blocked one starts no handler of what it lost', async () => {
    const t = faults();
    const { topic, group, records, publish, start } = await scene(t);
    const fault = { leaseMs, fault: 'loop', loopMs: loopMs(transport), at: AT } as const;
    const children = [await start('a', fault), await start('b', fault)] as const;
    const published = await publish(KEYS, EVENTS);
    const owner = await t.eventually(() => {
      const found = children.findIndex(({ said }) => said.includes('"looping"'));
      expect(found, 'who is blocked').toBeGreaterThanOrEqual(0);
      return found === 0 ? 'a' : 'b';
    });
    const blocked = records.running(owner).map(({ key, sequence }) => `${key}/${sequence}`);

    await t.eventually(() => expect(records.verdict().handled).toBe(published), 3);
    await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
    await Promise.all(children.map((child) => child.close()));
    expect(begunDuringLoop(records, owner === 'a' ? 'b' : 'a'), 'begun by the other').toBeGreaterThan(0);
    const { lost, gaps, orderViolations } = records.verdict();
    expect({ lost, gaps }).toEqual({ lost: [], gaps: [] });
    expect(blocked).toContain(`${AT.key}/${AT.n}`);
    const others = orderViolations.filter((one) => !blocked.includes(`${one.key}/${one.other}`));
    expect(others, 'but beside handlers that were running when it was blocked').toEqual([]);
  }, 60_000);
});
