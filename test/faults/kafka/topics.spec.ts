import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  committed,
  createTopic,
  foreign,
  type PlainMessage,
  produce,
  record,
  TestBus,
  type TestBusOptions,
  withAdmin,
} from '../../integration/kafka/harness.js';
import { type KafkaServer, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';

const SLOW = { timeoutMs: 25_000 };

describe('F18: what happens to a topic while it is consumed', () => {
  let kafka: KafkaServer;
  const open: TestBus[] = [];

  beforeAll(async () => {
    kafka = await startKafka({
      properties: {
        'group.min.session.timeout.ms': 500,
        'log.cleaner.backoff.ms': 200,
        'log.segment.delete.delay.ms': 100,
      },
    });
  });
  afterEach(() => Promise.all(open.splice(0).map((one) => one.stop())));
  afterAll(() => kafka.remove());

  function bus({ transport, ...options }: Partial<TestBusOptions> = {}): TestBus {
    const one = new TestBus({
      transport: {
        connection: { brokers: kafka.brokers },
        sessionTimeoutMs: 3_000,
        heartbeatIntervalMs: 200,
        topicRefreshMs: 500,
        ...transport,
      },
      ...options,
    });
    open.push(one);
    return one;
  }

  const numbered = (what: string, count: number, partition = 0): PlainMessage[] =>
    Array.from({ length: count }, (_, i) => ({ key: `k${i % 20}`, value: `${what} ${i}`, partition }));

  async function topicWith(messages: readonly PlainMessage[], partitions = 1, config: Record<string, string> = {}) {
    const topic = unique('orders');
    await createTopic(kafka.brokers, topic, partitions, config);
    await eventually(() => produce(kafka.brokers, topic, messages));
    return { topic, group: unique('billing') };
  }

  /** Deletes and makes it again with more in it than before. */
  async function makeAnew(topic: string, messages: readonly PlainMessage[]): Promise<void> {
    await withAdmin(kafka.brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await eventually(() => createTopic(kafka.brokers, topic), SLOW);
    await eventually(() => produce(kafka.brokers, topic, messages.slice(0, 1)), SLOW);
    await produce(kafka.brokers, topic, messages.slice(1));
  }

  it('F18: every event of a topic that was deleted and made again is handled, also where it is longer than the one before', async () => {
    const { topic, group } = await topicWith(numbered('old', 100));
    const one = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(one.deliveries).toHaveLength(100));
    await makeAnew(topic, numbered('new', 300));

    const fresh = () => new Set(one.bodies.filter((body) => body?.startsWith('new')));
    await eventually(() => expect(fresh().size).toBe(300), SLOW);
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 300 }), SLOW);
  }, 60_000);

  it('F18: offsets of an earlier topic, put back by a backup, make no event of the later one be skipped', async () => {
    const { topic, group } = await topicWith(numbered('old', 100));
    const keep: TestBusOptions['handle'] = async ({ position }) =>
      'offset' in position && position.offset === 40 ? 'keep' : 'settle';
    const first = await bus({ handle: keep, rebalanceDrainMs: 200 }).start({ group, patterns: [topic] });
    await eventually(() => expect(first.handled).toHaveLength(100));
    await first.stop();
    const backup = await withAdmin(kafka.brokers, async (admin) => {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      return found?.partitions[0];
    });
    expect(backup?.offset).toBe('40');

    await makeAnew(topic, numbered('new', 300));
    const restorer = foreign(kafka.brokers).consumer({ groupId: group, maxWaitTimeInMs: 50 });
    await restorer.connect();
    await restorer.subscribe({ topics: [topic] });
    const joined = new Promise((resolve) => restorer.on('consumer.group_join', resolve));
    await restorer.run({ autoCommit: false, eachMessage: async () => undefined });
    await joined;
    const restored = { topic, partition: 0, offset: backup?.offset ?? '', metadata: backup?.metadata ?? '' };
    await eventually(() => restorer.commitOffsets([restored]), SLOW);
    await restorer.disconnect();

    const next = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(new Set(next.bodies).size).toBe(300), SLOW);
    expect(next.group(group)['maps']).toMatchObject({ skipped: 0, refused: { incarnation: 1 } });
    expect(next.log.map(({ message }) => message)).toContainEqual(expect.stringContaining('deleted and made again'));
  }, 60_000);

  it('F18: partitions that are added under load are shared out and read from their beginning, and nothing is lost', async () => {
    const { topic, group } = await topicWith([], 2);
    const members = await Promise.all([bus(), bus()].map((one) => one.start({ group, patterns: [topic] })));
    const publisher = await bus().start();
    let sent = 0;
    const done = new AbortController();
    const load = (async () => {
      while (!done.signal.aborted) {
        const { how } = await publisher.publish(topic, `event ${sent}`, { key: `k${sent % 50}` });
        if (how === 'confirmed') sent += 1;
        await sleep(2);
      }
    })();
    await sleep(500);
    await withAdmin(kafka.brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] }));
    await eventually(() => expect(members.flatMap(({ owned }) => owned)).toHaveLength(6), SLOW);
    await eventually(async () => {
      const offsets = await committed(kafka.brokers, group, topic);
      expect([2, 3, 4, 5].filter((partition) => (offsets[partition] ?? 0) > 0)).toHaveLength(4);
    }, SLOW);
    done.abort();
    await load;

    const handled = () => members.flatMap(({ bodies }) => bodies);
    await eventually(() => expect(new Set(handled()).size).toBe(sent), SLOW);
    expect(handled()).toHaveLength(sent);
    expect(members.map(({ owned }) => owned.length)).toEqual([3, 3]);
  }, 60_000);

  it('F18: events that retention deletes in front of a gap are reported, and what was done past it is not handled again', async () => {
    const { topic, group } = await topicWith(numbered('event', 100));
    const keep: TestBusOptions['handle'] = async ({ position }) =>
      'offset' in position && [10, 70].includes(position.offset) ? 'keep' : 'settle';
    const first = await bus({ handle: keep, rebalanceDrainMs: 200 }).start({ group, patterns: [topic] });
    await eventually(() => expect(first.handled).toHaveLength(100));
    await first.stop();
    await withAdmin(kafka.brokers, async (admin) => {
      await admin.fetchTopicOffsets(topic); // without it kafkajs does not know the topic
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '50' }] });
    });

    const next = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(next.bodies).toEqual(['event 70']), SLOW);
    expect(next.group(group)).toMatchObject({ lostToRetention: 1 });
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 100 }));
  }, 60_000);

  it('F18: the gaps of a compacted topic hold nothing up, nor does a map that reaches over them', async () => {
    const config = {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '200',
    };
    const early = numbered('early', 200).map((message, i) => (i === 5 ? { ...message, key: 'kept' } : message));
    const { topic, group } = await topicWith(early, 1, config);
    const keep: TestBusOptions['handle'] = async ({ position }) =>
      'offset' in position && position.offset === 5 ? 'keep' : 'settle';
    const first = await bus({ handle: keep, rebalanceDrainMs: 200 }).start({ group, patterns: [topic] });
    await eventually(() => expect(first.handled.map(({ body }) => body)).toContain('early 199'), SLOW);
    await eventually(() => expect(first.handled).toHaveLength(first.deliveries.length));
    await first.stop();
    expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 5 });

    await sleep(300);
    await produce(kafka.brokers, topic, numbered('late', 20));
    const offsetsLeft = async (): Promise<number> => {
      const reader = await bus({ handle: async () => 'keep' }).start({ group: unique('reader'), patterns: [topic] });
      await eventually(() => expect(reader.bodies).toContain('late 19'), SLOW);
      await reader.stop();
      return reader.deliveries.length;
    };
    await eventually(
      async () => {
        await sleep(400);
        await produce(kafka.brokers, topic, [{ key: 'roll', value: 'rolls the segment', partition: 0 }]);
        expect(await offsetsLeft()).toBeLessThan(120);
      },
      { timeoutMs: 40_000 },
    );

    const next = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(next.bodies).toContain('late 19'), SLOW);
    expect(next.bodies.filter((body) => body?.startsWith('early'))).toEqual(['early 5']);
    await eventually(async () => {
      const end = await withAdmin(kafka.brokers, (admin) => admin.fetchTopicOffsets(topic));
      expect((await committed(kafka.brokers, group, topic))[0]).toBe(Number(end[0]?.high));
    }, SLOW);
  }, 90_000);

  it('F18: control records of transactions hold nothing up, nor do they count as done or not done in a map', async () => {
    const { topic, group } = await topicWith([]);
    const producer = foreign(kafka.brokers).producer({
      transactionalId: unique('tx'),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (let i = 0; i < 30; i += 1) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: `k${i}`, value: `event ${i}` }] });
      await transaction[i % 3 === 2 ? 'abort' : 'commit']();
    }
    await producer.disconnect();

    const keep: TestBusOptions['handle'] = async ({ position }) =>
      'offset' in position && [6, 30].includes(position.offset) ? 'keep' : 'settle';
    const first = await bus({ handle: keep, rebalanceDrainMs: 200 }).start({ group, patterns: [topic] });
    await eventually(() => expect(first.handled).toHaveLength(20), SLOW);
    await first.stop();
    expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 6 });

    const next = await bus().start({ group, patterns: [topic] });
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 60 }), SLOW);
    expect(next.bodies).toEqual(['event 3', 'event 15']);
    expect(record(next.group(group)['maps'])['skipped']).toBe(16);
  }, 60_000);
});
