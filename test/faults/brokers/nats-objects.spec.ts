import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PublishResult } from '../../../lib/index.js';
import { createTestBus } from '../../../lib/testing/index.js';
import { NATS_VERSION } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { NatsSite, SESSION_MS } from './support/site.js';

/** Of an error and of what caused it. */
function codesOf(result: PublishResult | undefined): unknown[] {
  const codes: unknown[] = [];
  let error: unknown = result?.outcome === 'confirmed' ? undefined : result?.error;
  for (; error instanceof Error; error = error.cause) codes.push(Reflect.get(error, 'code'));
  return codes;
}

describe(`What nats-server ${NATS_VERSION} keeps for us, under load`, () => {
  let site: NatsSite;
  let run: FaultRun | undefined;

  beforeAll(async () => {
    site = await NatsSite.start();
  });
  afterEach(async () => {
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    await run?.close();
    run = undefined;
  });
  afterAll(() => site.remove());

  it('F18: goes on by itself when the stream is deleted and made again: only what was in it and not handled is gone', async () => {
    run = await FaultRun.start(site);
    const { topic } = run;
    await run.progress(500);
    const { config } = await site.manage((manager) => manager.streams.info(topic));
    await run.strike(() => site.manage((manager) => manager.streams.delete(topic)));
    const impatient = await createTestBus({
      transport: site.with({ transport: { policy: 'none' } }).transport(topic),
      consume: false,
      pools: { ack: { timeoutMs: 2_000 } },
    });
    const [refused] = await impatient.bus.publishMany([{ topic, data: {}, options: { key: 'k' } }]);
    expect(refused?.outcome).not.toBe('confirmed');
    expect(codesOf(refused)).toContain('EVENT_BUS_TOPIC_MISSING');
    await impatient.close();
    run.writeOff();
    await site.manage((manager) => manager.streams.add(config));
    await run.progress(1_000);
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement.writtenOff).toBeLessThanOrEqual(judgement.peakInFlight);
  }, 150_000);

  it('F18: goes on where it was, in order, when its durables are deleted (consumer not found)', async () => {
    run = await FaultRun.start(site);
    const { topic } = run;
    for (let times = 1; times <= 2; times += 1) {
      await run.strike(() =>
        site.manage(async (manager) => {
          const found = await manager.consumers.list(topic).next();
          await Promise.all(found.map(({ name }) => manager.consumers.delete(topic, name)));
        }),
      );
      await run.progress(500);
    }
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('F18: loses nothing when an instance with more partitions takes over from one with fewer', async () => {
    run = await FaultRun.start(site);
    const more = site.with({ stream: { partitions: 6 }, transport: { policy: 'create-or-update' } });
    await run.strike(() => run?.join('proxy', more));
    await run.progress(200);
    await run.leave();
    await run.progress(500);
    const judgement = await run.finish();

    expect(judgement).toMatchObject({ lost: 0, wrongResults: 0, left: 0 });
  }, 150_000);

  it('F15: a full stream rejects what is published, loses nothing of what it took, and takes more when it may', async () => {
    const small = site.with({ stream: { partitions: 2, maxMessages: 500, discard: 'new' } });
    run = await FaultRun.start(small, { ackTimeoutMs: 1_000 });
    const { topic } = run;
    await run.strike(() => undefined);
    await run.rejections(100);
    await site.manage((manager) => manager.streams.update(topic, { max_msgs: -1 }));
    await run.progress(500);
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement.rejected).toBeGreaterThanOrEqual(100);
  }, 150_000);

  it('loses nothing and keeps the order when heartbeats are missed for longer than a session', async () => {
    run = await FaultRun.start(site.with({ connection: { pingIntervalMs: 60_000 } }));
    await run.strike(() => site.broker.pause());
    await sleep(SESSION_MS * 1.5);
    site.broker.resume();
    await run.progress(500);
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('loses nothing and keeps the order when the server drops it as a slow consumer', async () => {
    const strict = await NatsSite.start({
      config: 'write_deadline: "200ms"\n',
      connection: { pingIntervalMs: 60_000 },
      transport: { pullBatch: 500 },
    });
    try {
      run = await FaultRun.start(strict);
      await run.strike(() =>
        strict.proxies.forEach((proxy) => proxy.throttle({ bytesPerSecond: 20_000, direction: 'to-client' })),
      );
      await run.flood(1_500, 20_000);
      await eventually(async () => expect(await strict.log()).toContain('Slow Consumer'), { timeoutMs: 30_000 });
      await Promise.all(strict.proxies.map((proxy) => proxy.heal()));
      await run.progress(1_500);
      expectUnharmed(await run.finish(), strict);
    } finally {
      await run?.close();
      await strict.remove();
    }
  }, 150_000);
});
