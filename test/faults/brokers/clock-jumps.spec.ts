import { type Admin, CompressionTypes, type Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KAFKA_VERSION } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { KafkaSite } from './support/site.js';

const HOUR_SECONDS = 3_600;
const NEAR_SECONDS = 60;

describe(`F16: the clock of the broker jumps by an hour, forth and back, Kafka ${KAFKA_VERSION}`, () => {
  const stamped = unique('stamped');
  let clock: FakeClock;
  let site: KafkaSite;
  let admin: Admin;
  let producer: Producer;
  let run: FaultRun | undefined;

  beforeAll(async () => {
    clock = new FakeClock();
    site = await KafkaSite.start({ env: clock.env });
    admin = site.plain().admin();
    producer = site.plain().producer();
    await Promise.all([admin.connect(), producer.connect()]);
    const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
    await admin.createTopics({ topics: [{ topic: stamped, numPartitions: 1, configEntries }] });
  });
  afterEach(() => run?.close());
  afterAll(async () => {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
    await site.remove();
    clock.remove();
  });

  /** How far the broker's clock is from ours, by the time it gives to what it stores. */
  async function drift(): Promise<number> {
    const [stored] = await producer.send({
      topic: stamped,
      compression: CompressionTypes.None,
      messages: [{ value: 'when?' }],
    });
    return (Number(stored?.logAppendTime) - Date.now()) / 1_000;
  }

  it('loses nothing, keeps the order, and handles nothing twice', async () => {
    run = await FaultRun.start(site, { instances: ['proxy', 'proxy'] });
    for (const seconds of [HOUR_SECONDS, -HOUR_SECONDS, 0]) {
      await run.strike(() => clock.jumpTo(seconds));
      await eventually(async () => expect(Math.abs((await drift()) - seconds)).toBeLessThan(NEAR_SECONDS), {
        timeoutMs: 30_000,
      });
      await run.progress(300);
    }
    const judgement = await run.finish();

    expectUnharmed(judgement, site);
    expect(judgement).toMatchObject({ rejected: 0, unknown: 0, handledAgain: 0 });
  }, 150_000);
});
