import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ProxyFault } from '../../../tools/faults/index.js';
import { KAFKA_VERSION, NATS_VERSION } from '../../support/brokers.js';
import { expectUnharmed, FaultRun } from '../brokers/support/fault-run.js';
import { KafkaSite, NatsSite, type Site } from '../brokers/support/site.js';

/** With time-outs that a slow network keeps: it is to be slow, not to be taken for dead. */
const SITES: readonly (readonly [name: string, start: () => Promise<Site>])[] = [
  [
    `Kafka ${KAFKA_VERSION}`,
    () => KafkaSite.start({ connection: { connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 } }),
  ],
  [
    `nats-server ${NATS_VERSION}`,
    () => NatsSite.start({ connection: { connectTimeoutMs: 5_000, pingIntervalMs: 5_000 } }),
  ],
];

describe.each(SITES)('F5: a slow network to %s', (_name, start) => {
  let site: Site;
  let run: FaultRun | undefined;

  beforeAll(async () => {
    site = await start();
  });
  afterEach(async () => {
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    await run?.close();
    run = undefined;
  });
  afterAll(() => site.remove());

  const struck = (fault: ProxyFault): number =>
    site.proxies.reduce((sum, proxy) => sum + proxy.counts.struck[fault], 0);
  const connections = (): number => site.proxies.reduce((sum, proxy) => sum + proxy.counts.connections, 0);

  it('works on, over the same connections, when everything takes 500 ms longer each way', async () => {
    run = await FaultRun.start(site);
    const before = connections();
    await run.strike(() => site.proxies.forEach((proxy) => proxy.delay({ latencyMs: 500 })));
    await run.progress(1_000);
    expect(connections()).toBe(before);
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    await run.progress(200);
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement).toMatchObject({ rejected: 0, unknown: 0, handledAgain: 0, storedAgain: 0 });
    expect(struck('delay')).toBeGreaterThan(0);
  }, 150_000);

  it('works on, in order, when everything takes up to 600 ms longer, now more and now less', async () => {
    run = await FaultRun.start(site);
    const before = connections();
    await run.strike(() => site.proxies.forEach((proxy) => proxy.delay({ latencyMs: 10, jitterMs: 600 })));
    await run.progress(1_000);
    expect(connections()).toBe(before);
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    await run.progress(200);
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement).toMatchObject({ rejected: 0, unknown: 0, handledAgain: 0, storedAgain: 0 });
  }, 150_000);

  it('gets through 10 kB/s what fits through it', async () => {
    run = await FaultRun.start(site, { perSecond: 8, handlingMs: () => 500 });
    await run.strike(() => site.proxies.forEach((proxy) => proxy.throttle({ bytesPerSecond: 10_000 })));
    await run.progress(40);
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    expectUnharmed(await run.finish(), site);
    expect(struck('throttle')).toBeGreaterThan(0);
  }, 150_000);

  it('loses nothing and keeps the order when ten times as much is published as 10 kB/s can carry', async () => {
    run = await FaultRun.start(site);
    await run.strike(() => site.proxies.forEach((proxy) => proxy.throttle({ bytesPerSecond: 10_000 })));
    await sleep(10_000);
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    await run.progress(1_000);
    expectUnharmed(await run.finish(), site);
  }, 150_000);
});
