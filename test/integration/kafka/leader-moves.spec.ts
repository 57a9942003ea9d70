import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type KafkaServer, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { foreign, TestBus, withAdmin } from './harness.js';

const PARTITIONS = [0, 1, 2, 3, 4, 5];
const MOVES = 5;
/** The plain producer needs some luck to lose anything: a leader has to move between its tries. */
const MOST_PLAIN_MOVES = 25;

/** Partitions of one replica, moved between three brokers while events are published: each move makes a new leader. */
describe('While leaders move', () => {
  let kafka: KafkaServer;
  const open: TestBus[] = [];

  beforeAll(async () => {
    kafka = await startKafka({ nodes: 3, heap: '384m' });
  });
  afterEach(() => Promise.all(open.splice(0).map((one) => one.stop())));
  afterAll(() => kafka.remove());

  async function movingTopic(): Promise<string> {
    const topic = unique('moving');
    const replicaAssignment = PARTITIONS.map((partition) => ({ partition, replicas: [(partition % 3) + 1] }));
    await withAdmin(kafka.brokers, (admin) =>
      eventually(() => admin.createTopics({ topics: [{ topic, replicaAssignment }], waitForLeaders: false }), {
        timeoutMs: 20_000,
      }),
    );
    return topic;
  }

  /** Each partition goes to the next broker, and has its new leader when this resolves. */
  async function move(topic: string, step: number): Promise<void> {
    const leaders = PARTITIONS.map((partition) => ((partition + step) % 3) + 1);
    const partitionAssignment = leaders.map((leader, partition) => ({ partition, replicas: [leader] }));
    await withAdmin(kafka.brokers, async (admin) => {
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
      await eventually(async () => {
        const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
        const now = found?.partitions.toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader);
        expect(now).toEqual(leaders);
      });
    });
  }

  /** Everything that is in the log now, as `partition/offset` → value. */
  async function stored(topic: string): Promise<Map<string, string>> {
    const ends = await withAdmin(kafka.brokers, (admin) => eventually(() => admin.fetchTopicOffsets(topic)));
    const last = ends
      .filter(({ high }) => high !== '0')
      .map(({ partition, high }) => `${partition}/${Number(high) - 1}`);
    const found = new Map<string, string>();
    const consumer = foreign(kafka.brokers).consumer({ groupId: unique('reader'), maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        found.set(`${partition}/${message.offset}`, String(message.value));
      },
    });
    await eventually(() => expect(last.filter((position) => !found.has(position))).toEqual([]), { timeoutMs: 20_000 });
    await consumer.disconnect();
    return found;
  }

  it('A13: a plain kafkajs producer resolves sends of which a part was never stored', async () => {
    const topic = await movingTopic();
    const producer = foreign(kafka.brokers).producer({ retry: { initialRetryTime: 50, retries: 10 } });
    await producer.connect();
    const confirmed: string[] = [];
    const moving = new AbortController();
    const sending = (async () => {
      for (let n = 0; !moving.signal.aborted; n += 1) {
        const values = PARTITIONS.map((partition) => ({ partition, value: `${partition} ${n}` }));
        const answers = await producer.send({ topic, messages: values }).catch(() => undefined);
        if (answers !== undefined) confirmed.push(...values.map(({ value }) => value));
      }
    })();
    let missing: string[] = [];
    for (let step = 1; step <= MOST_PLAIN_MOVES && missing.length === 0; step += 1) {
      await move(topic, step);
      const sent = [...confirmed];
      const log = new Set((await stored(topic)).values());
      missing = sent.filter((value) => !log.has(value));
    }
    moving.abort();
    await sending;
    await producer.disconnect();

    expect(missing.length).toBeGreaterThan(0);
  }, 120_000);

  it('A13: everything that was confirmed to us is in the log, where the confirm says', async () => {
    const topic = await movingTopic();
    const bus = new TestBus({ transport: { connection: { brokers: kafka.brokers } } });
    open.push(bus);
    await bus.start();
    const confirmed = new Map<string, string>();
    const failures = new Set<string>();
    const moving = new AbortController();
    const sending = Array.from({ length: 50 }, async (_, sender) => {
      for (let n = 0; !moving.signal.aborted; n += 1) {
        const value = `${sender} ${n}`;
        const outcome = await bus.publish(topic, value, { key: `k${sender}` });
        if (outcome.how !== 'confirmed') {
          failures.add(outcome.how);
          await sleep(20);
        } else if ('partition' in outcome.position) {
          confirmed.set(`${outcome.position.partition}/${outcome.position.offset}`, value);
        }
      }
    });
    for (let step = 1; step <= MOVES; step += 1) {
      const before = confirmed.size;
      await move(topic, step);
      await eventually(() => expect(confirmed.size).toBeGreaterThan(before + 500), { timeoutMs: 20_000 });
    }
    moving.abort();
    await Promise.all(sending);

    const log = await stored(topic);
    const missing = [...confirmed].filter(([position, value]) => log.get(position) !== value);
    expect(missing).toEqual([]);
    expect(failures.size).toBeGreaterThan(0);
  }, 120_000);
});
