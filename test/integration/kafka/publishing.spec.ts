import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type KafkaServer, kafkaBroker, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { createTopic, foreign, TestBus, type TestBusOptions, withAdmin } from './harness.js';
import { KafkaProxy } from './proxy.js';

const open: TestBus[] = [];

async function publisher(
  options: Partial<TestBusOptions['transport']> = {},
  brokers?: readonly string[],
): Promise<TestBus> {
  const found = brokers ?? (await kafkaBroker()).brokers;
  const bus = new TestBus({ transport: { connection: { brokers: found }, ...options } });
  open.push(bus);
  return bus.start();
}

/** The whole log of a topic, read by a foreign client. */
async function stored(
  brokers: readonly string[],
  topic: string,
): Promise<{ partition: number; key: string | null; value: string | null; bytes: number }[]> {
  const end = await withAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  const total = end.reduce((sum, { high }) => sum + Number(high), 0);
  const found: { partition: number; key: string | null; value: string | null; bytes: number }[] = [];
  if (total === 0) return found;
  const consumer = foreign(brokers).consumer({ groupId: unique('reader'), maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({
      partition,
      message,
    }: {
      partition: number;
      message: { key: Buffer | null; value: Buffer | null };
    }) => {
      found.push({
        partition,
        key: message.key && String(message.key),
        value: message.value && String(message.value),
        bytes: message.value?.length ?? 0,
      });
      if (found.length === total) resolve();
    };
    consumer.run({ autoCommit: false, eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return found;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((bus) => bus.stop()));
});

describe('Publishing to Kafka', () => {
  it('keeps the order of each key, over thousands of pipelined publishes and several partitions', async () => {
    const { brokers } = await kafkaBroker();
    const topic = unique('orders');
    const bus = await publisher();
    const outcomes = await Promise.all(
      Array.from({ length: 6_000 }, (_, i) => bus.publish(topic, String(i), { key: `k${i % 97}` })),
    );

    expect(outcomes.every(({ how }) => how === 'confirmed')).toBe(true);
    const last = new Map<string | null, number>();
    const log = await stored(brokers, topic);
    expect(log).toHaveLength(6_000);
    for (const { key, value } of log) {
      expect(Number(value)).toBeGreaterThan(last.get(key) ?? -1);
      last.set(key, Number(value));
    }
  });

  it('puts a key where a plain kafkajs producer puts it, and spreads what has no key', async () => {
    const { brokers } = await kafkaBroker();
    const topic = unique('orders');
    await createTopic(brokers, topic, 5);
    const keys = ['a', 'order-17', 'ключ', '鍵', 'x'.repeat(300)];
    const plain = foreign(brokers).producer();
    await plain.connect();
    await plain.send({ topic, messages: keys.map((key) => ({ key, value: 'theirs' })) });
    await plain.disconnect();
    const bus = await publisher();
    await Promise.all(keys.map((key) => bus.publish(topic, 'ours', { key })));
    await Promise.all(Array.from({ length: 10 }, () => bus.publish(topic, 'keyless')));

    const log = await stored(brokers, topic);
    for (const key of keys)
      expect(new Set(log.filter((one) => one.key === key).map(({ partition }) => partition)).size).toBe(1);
    const keyless = log.filter(({ value }) => value === 'keyless').map(({ partition }) => partition);
    expect(keyless.toSorted((a, b) => a - b)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });

  it('rejects a message that is too large with its size, and stores the ones around it', async () => {
    const { brokers } = await kafkaBroker();
    const topic = unique('orders');
    await createTopic(brokers, topic, 1, { 'max.message.bytes': '20000' });
    const bus = await publisher();
    const bodies = ['small 1', 'x'.repeat(30_000), 'small 2'];
    const outcomes = await Promise.all(bodies.map((body) => bus.publish(topic, body, { key: 'k' })));

    expect(outcomes.map(({ how }) => how)).toEqual(['confirmed', 'rejected', 'confirmed']);
    expect(outcomes[1]).toMatchObject({ error: { code: 'EVENT_BUS_MESSAGE_TOO_LARGE' } });
    expect((await stored(brokers, topic)).map(({ value }) => value)).toEqual(['small 1', 'small 2']);
  });

  it('stores many small messages that are too large together', async () => {
    const { brokers } = await kafkaBroker();
    const topic = unique('orders');
    await createTopic(brokers, topic, 1, { 'max.message.bytes': '20000' });
    const bus = await publisher();
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => bus.publish(topic, String(i).padEnd(1_000), { key: 'k' })),
    );

    expect(new Set(outcomes.map(({ how }) => how))).toEqual(new Set(['confirmed']));
    expect((await stored(brokers, topic)).map(({ value }) => Number(value))).toEqual(
      Array.from({ length: 60 }, (_, i) => i),
    );
  });

  it('stores a dead letter whole that is larger than the broker takes elsewhere, and delivers it', async () => {
    const topic = `dead.billing.${unique('orders')}`;
    const bus = await publisher();
    const body = 'x'.repeat(5_000_000);
    const refused = await bus.publish(unique('orders'), body);
    const outcome = await bus.publish(topic, body, { dead: true });

    expect(refused.how).toBe('rejected');
    expect(outcome.how).toBe('confirmed');
    const { brokers } = await kafkaBroker();
    const reader = new TestBus({ transport: { connection: { brokers } } });
    open.push(reader);
    await reader.start({ group: unique('g'), patterns: ['dead.>'] });
    await eventually(() =>
      expect(reader.deliveries.find(({ message }) => message.topic === topic)?.message.body?.length).toBe(5_000_000),
    );
  });

  it('rejects what goes to a missing topic when the policy creates none, and finds it when it is there', async () => {
    const { brokers } = await kafkaBroker();
    const topic = unique('orders');
    const bus = await publisher({ policy: 'none' });
    expect(await bus.publish(topic, 'early')).toMatchObject({
      how: 'rejected',
      error: { code: 'EVENT_BUS_TOPIC_MISSING' },
    });
    await createTopic(brokers, topic);
    await eventually(async () => expect((await bus.publish(topic, 'late')).how).toBe('confirmed'));
  });

  it('goes on with other topics after one that it used was deleted', async () => {
    const { brokers } = await kafkaBroker();
    const [first, second] = [unique('one'), unique('two')];
    const bus = await publisher({ topicRefreshMs: 300 });
    await bus.publish(first, 'x');
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [first] }));

    await eventually(async () => expect((await bus.publish(second, 'y')).how).toBe('confirmed'), { timeoutMs: 3_000 });
    await eventually(async () => expect((await bus.publish(first, 'z')).how).toBe('confirmed'));
  });

  it('uses partitions that were added', async () => {
    const { brokers } = await kafkaBroker();
    const topic = unique('orders');
    await createTopic(brokers, topic, 1);
    const bus = await publisher({ topicRefreshMs: 100 });
    await bus.publish(topic, 'x');
    await withAdmin(brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
    await eventually(async () => {
      const outcomes = await Promise.all([1, 2, 3].map(() => bus.publish(topic, 'y')));
      expect(
        outcomes
          .map((one) => (one.how === 'confirmed' && 'partition' in one.position ? one.position.partition : -1))
          .toSorted((a, b) => a - b),
      ).toEqual([0, 1, 2]);
    });
  });
});

describe('A confirm that is lost on its way', () => {
  let kafka: KafkaServer;
  let proxy: KafkaProxy;

  beforeAll(async () => {
    const opened = await KafkaProxy.open();
    proxy = opened.proxy;
    kafka = await startKafka({ properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${opened.port}` } });
    proxy.forwardTo(kafka.port);
  });
  afterAll(async () => {
    await proxy.close();
    await kafka.remove();
  });

  it('A14: makes the next message of a plain idempotent producer disappear, confirmed', async () => {
    const topic = unique('orders');
    await createTopic(kafka.brokers, topic);
    const producer = foreign(kafka.brokers).producer({ idempotent: true, retry: { retries: Number.NaN } });
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'first' }] });
    const lost = proxy.loseNextConfirm();
    await expect(producer.send({ topic, messages: [{ value: 'stored, confirm lost' }] })).rejects.toThrow();
    await lost;
    await producer.send({ topic, messages: [{ value: 'confirmed' }] });
    await producer.disconnect();

    expect((await stored(kafka.brokers, topic)).map(({ value }) => value)).toEqual(['first', 'stored, confirm lost']);
  });

  it('A14: ends unknown with us, and what follows is stored', async () => {
    const topic = unique('orders');
    await createTopic(kafka.brokers, topic);
    const bus = await publisher({}, kafka.brokers);
    await bus.publish(topic, 'first', { key: 'k' });
    const lost = proxy.loseNextConfirm();
    const outcome = await bus.publish(topic, 'stored, confirm lost', { key: 'k' });
    await lost;
    expect(outcome.how).toBe('unknown');
    await eventually(async () => expect((await bus.publish(topic, 'confirmed', { key: 'k' })).how).toBe('confirmed'));

    expect((await stored(kafka.brokers, topic)).map(({ value }) => value)).toEqual([
      'first',
      'stored, confirm lost',
      'confirmed',
    ]);
    expect(bus.transport.details()['producersReplaced']).toBe(1);
  });

  it('gives back what waits behind it unsent, and never out of order', async () => {
    const topic = unique('orders');
    await createTopic(kafka.brokers, topic);
    const bus = await publisher({}, kafka.brokers);
    await bus.publish(topic, '0', { key: 'k' });
    const lost = proxy.loseNextConfirm();
    const first = bus.publish(topic, '1', { key: 'k' });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const behind = [2, 3].map((n) => bus.publish(topic, String(n), { key: 'k' }));
    await lost;

    expect((await first).how).toBe('unknown');
    expect((await Promise.all(behind)).map(({ how }) => how)).toEqual(['unsent', 'unsent']);
    expect((await stored(kafka.brokers, topic)).map(({ value }) => value)).toEqual(['0', '1']);
  });
});
