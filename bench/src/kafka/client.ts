import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, Kafka, logLevel, type IHeaders, type Message } from 'kafkajs';
import type { Servers } from '../measure/configuration.js';
import { type EventData, JSON_TYPE, SOURCE, timeNow } from '../measure/events.js';
import { Oracle } from '../measure/oracle.js';

/** As many partitions as topics here have. */
export const PARTITIONS = 3;

export function kafkaClient({ kafka }: Servers): Kafka {
  if (kafka === undefined) throw new Error('This configuration needs a Kafka.');
  return new Kafka({ brokers: [...kafka], clientId: 'bench', logLevel: logLevel.NOTHING });
}

export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Resolves when every partition has a leader: kafkajs's own waiting gives up on a topic that nobody knows yet. */
export async function addTopic(kafka: Kafka, topic: string, numPartitions = PARTITIONS): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions, replicationFactor: 1 }],
    });
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) if (await isLed(admin, topic)) return;
    throw new Error(`topic ${topic} has no leaders after 30 s`);
  });
}

function isLed(admin: Admin, topic: string): Promise<boolean> {
  return admin.fetchTopicMetadata({ topics: [topic] }).then(
    ({ topics }) => topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false,
    () => false,
  );
}

export async function dropTopic(kafka: Kafka, topic: string): Promise<void> {
  await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [topic] }));
}

/** The CloudEvents attributes that the library writes. */
export function kafkaHeaders(topic: string, id: string, key: string): IHeaders {
  return {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: SOURCE,
    ce_type: topic,
    ce_time: timeNow(),
    'content-type': JSON_TYPE,
    ce_partitionkey: key,
  };
}

export function messageOf(data: EventData, headers?: IHeaders): Message {
  const message = { key: data.key, value: JSON.stringify(data) };
  return headers === undefined ? message : { ...message, headers };
}

/** Reads back what was stored, and judges it: as many as were confirmed, each once, in order. */
export async function storedFaults(
  kafka: Kafka,
  topic: string,
  { sent, confirmed, keepsOrder }: { readonly sent: number; readonly confirmed: number; readonly keepsOrder: boolean },
): Promise<string[]> {
  const faults = sent === confirmed ? [] : [`${sent} events were sent and ${confirmed} confirmed`];
  const offsets = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic));
  const stored = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  if (stored !== sent) return [...faults, `the topic holds ${stored} events, ${sent} were sent`];
  const oracle = new Oracle(sent);
  const groupId = `read-back-${topic}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      for (const { value, key } of batch.messages) oracle.take(JSON.parse(String(value)) as EventData, String(key));
      return Promise.resolve();
    },
  });
  await oracle.untilAll();
  await consumer.disconnect();
  await withAdmin(kafka, (admin) => admin.deleteGroups([groupId]));
  return [...faults, ...oracle.faults(sent, keepsOrder)];
}

/** What the broker holds as done of a topic that was handled whole. */
export async function uncommitted(kafka: Kafka, topic: string, groupId: string): Promise<string[]> {
  return withAdmin(kafka, async (admin) => {
    const ends = await admin.fetchTopicOffsets(topic);
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return ends.flatMap(({ partition, high }) => {
      const offset = committed?.partitions.find((one) => one.partition === partition)?.offset;
      return offset === high ? [] : [`partition ${partition}: ${offset} of ${high} are committed`];
    });
  });
}
