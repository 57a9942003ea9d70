import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KafkaEnvironment } from '../../contract/kafka.environment.js';
import { KAFKA_VERSION } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { KafkaSite, PARTITIONS } from './support/site.js';

describe(`F18: what Kafka ${KAFKA_VERSION} keeps for us, under load`, () => {
  let site: KafkaSite;
  let admin: Admin;
  let run: FaultRun | undefined;

  beforeAll(async () => {
    site = await KafkaSite.start({
      properties: { 'log.segment.delete.delay.ms': 100 },
      transport: { topicRefreshMs: 500 },
    });
    admin = site.plain().admin();
    await admin.connect();
  });
  afterEach(async () => {
    await run?.close();
    run = undefined;
  });
  afterAll(async () => {
    await admin.disconnect();
    await site.remove();
  });

  /** Of all partitions of the topic that is there now. */
  async function stored(topic: string): Promise<number> {
    const ends = await admin.fetchTopicOffsets(topic);
    return ends.reduce((sum, { high }) => sum + Number(high), 0);
  }

  /** What the log has, by the names that a run gives its events. */
  async function namesIn(topic: string): Promise<ReadonlySet<string>> {
    const environment = await KafkaEnvironment.connect(site.proxied.direct);
    const messages = await environment.readBack(topic);
    await environment.close();
    return new Set(
      messages.map(({ key, body }) => {
        const { sequence } = JSON.parse(Buffer.from(body ?? []).toString()) as { sequence: number };
        return `${key} ${sequence}`;
      }),
    );
  }

  it('F18: goes on by itself when the topic is deleted and made again: only what was in it and not handled is gone', async () => {
    run = await FaultRun.start(site, { instances: ['proxy', 'proxy'] });
    const { topic } = run;
    await run.progress(500);
    const before = await stored(topic);
    await run.strike(() => admin.deleteTopics({ topics: [topic] }));
    await eventually(
      async () => {
        await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
        expect(await stored(topic), 'it is the new one').toBeLessThan(before);
      },
      { timeoutMs: 30_000, intervalMs: 50 },
    );
    const begun = run.begun; // the old topic may have confirmed any of these, and none that comes later
    await run.progress(1_000);
    const missing = run.missing.filter((name) => begun.has(name));
    const kept = await namesIn(topic);
    run.writeOff(missing.filter((name) => !kept.has(name)));
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement.writtenOff).toBeLessThanOrEqual(judgement.confirmed / 2);
  }, 150_000);

  it('F18: goes on where the log begins when retention takes what it was to fetch next', async () => {
    // more than can be handled, so that something is in hand while nothing more is fetched
    run = await FaultRun.start(site, { keys: 20, handlingMs: (random) => 80 + random * 80 });
    const { topic, group, buses } = run;
    const [bus] = buses;
    for (let times = 1; times <= 2; times += 1) {
      bus?.bus.pause(group);
      const inHand = run.inFlight;
      await eventually(async () => expect((await site.view(topic, group)).left).toBeGreaterThan(inHand + 100), {
        timeoutMs: 30_000,
      });
      await run.strike(async () => {
        const ends = await admin.fetchTopicOffsets(topic);
        const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
        await admin.deleteTopicRecords({ topic, partitions });
      });
      run.writeOff();
      bus?.bus.resume(group);
      await run.progress(300);
    }
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement.writtenOff, 'deleted before it was fetched').toBeGreaterThan(100);
  }, 150_000);
});
