import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KAFKA_VERSION } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { KafkaSite } from './support/site.js';

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
