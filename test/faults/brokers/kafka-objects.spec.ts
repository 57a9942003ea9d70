import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KAFKA_VERSION } from '../../support/brokers.js';
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
    run = await FaultRun.start(site, { handlingMs: (random) => 20 + random * 200 });
    const { topic } = run;
    for (let times = 1; times <= 2; times += 1) {
      await run.strike(async () => {
        const ends = await admin.fetchTopicOffsets(topic);
        const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
        await admin.deleteTopicRecords({ topic, partitions });
      });
      run.writeOff();
      await run.progress(300);
    }
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement.writtenOff).toBeLessThanOrEqual(judgement.confirmed / 2);
  }, 150_000);
});
