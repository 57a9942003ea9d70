import { describe, expect, it } from 'vitest';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import { useChildren } from './support/children.js';
import { BROKERS } from './support/environment.js';
import { useFaults } from './support/fault-tools.js';

const KEYS = keysOf(6);
const EVENTS = 30;
const AT = { key: 'k1', n: 5 };

describe.each(BROKERS)('F9: handlers that cause an unhandled rejection, on $name', (transport) => {
  const faults = useFaults(transport);
  const scene = useChildren(transport);

  it('goes on as if nothing had happened where the application listens for them, and listens for none itself', async () => {
    const t = faults();
    const { topic, group, records, publish, start } = await scene(t);
    const child = await start('a', { fault: 'unhandled rejection', at: AT, listens: true });

    const published = await publish(KEYS, EVENTS);

    await t.eventually(() => expect(records.verdict().handled).toBe(published));
    await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
    expect(child.said).toEqual(['"up, 0"', '"unhandled rejection"']);
    expect(records.verdict()).toMatchObject({ lost: [], duplicates: [], orderViolations: [], gaps: [] });
    await child.close();
  });

  it('loses nothing when the process dies of it, and goes on in order where it was when it is started again', async () => {
    const t = faults();
    const { topic, group, records, publish, start } = await scene(t);
    const leaseMs = transport.kind === 'kafka' ? 6_000 : 1_000;
    const child = await start('a', { fault: 'unhandled rejection', at: AT, leaseMs });

    const published = await publish(KEYS, EVENTS);
    expect(await child.ended(), 'exit code, by Node').toBe(1);
    records.died('a');
    const before = records.verdict();
    expect(before.handled).toBeLessThan(published);
    const next = await start('b', { leaseMs });

    await t.eventually(() => expect(records.verdict().handled).toBe(published), 2);
    await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
    const { lost, orderViolations, gaps, duplicates } = records.verdict();
    expect({ lost, orderViolations, gaps }).toEqual({ lost: [], orderViolations: [], gaps: [] });
    expect(duplicates.length, 'handled before, but not settled').toBeLessThanOrEqual(before.handled);
    await next.close();
  }, 40_000);
});
