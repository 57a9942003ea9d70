import type { Setting } from '../measure/configuration.js';
import { dataFrom, type EventData, idOf, idPrefix } from '../measure/events.js';
import { latencyPair, type PairParts, type Sender, type Take, throughputPair } from '../process/pair.js';
import { addTopic, dropTopic, kafkaClient, kafkaHeaders, messageOf } from './client.js';

export const prepareKafka = ({ servers }: Setting, topic: string): Promise<void> =>
  addTopic(kafkaClient(servers), topic);
export const removeKafka = ({ servers }: Setting, topic: string): Promise<void> =>
  dropTopic(kafkaClient(servers), topic);

async function consume({ servers, id }: Setting, topic: string, take: Take): Promise<() => Promise<void>> {
  const consumer = kafkaClient(servers).consumer({ groupId: id, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise<void>((resolve) => {
    consumer.on('consumer.group_join', () => resolve());
  });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { value, headers } of batch.messages)
        take(JSON.parse(String(value)) as EventData, headers?.['ce_partitionkey']?.toString());
      const offset = String(Number(batch.lastOffset()) + 1);
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset }]);
    },
  });
  await joined;
  return () => consumer.disconnect();
}

async function open({ servers }: Setting, topic: string): Promise<Sender> {
  const producer = kafkaClient(servers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const prefix = idPrefix();
  const message = (data: EventData): ReturnType<typeof messageOf> =>
    messageOf(data, kafkaHeaders(topic, idOf(prefix, data.n), data.key));
  const waiting: Promise<unknown>[] = [];
  return {
    sendAll: async (count) => {
      for (let sent = 0; sent < count; sent += 1_000) {
        const messages = dataFrom(sent, Math.min(1_000, count - sent)).map(message);
        await producer.send({ topic, acks: -1, messages });
      }
      return count;
    },
    send: (data) => {
      waiting.push(producer.send({ topic, acks: -1, messages: [message(data)] }));
    },
    flush: async () => {
      return (await Promise.all(waiting)).length;
    },
    close: () => producer.disconnect(),
  };
}

const PARTS: PairParts = { prepare: prepareKafka, consume, open, remove: removeKafka };

export const RAW_PAIR = [
  throughputPair({ id: 'kafka/pair/raw', title: 'batches and eachBatch, by hand', by: 'raw' }, PARTS),
  latencyPair({ id: 'kafka/latency/raw', title: 'producer.send and eachBatch', by: 'raw' }, PARTS),
];
