import type { Consumer, Kafka, KafkaMessage } from 'kafkajs';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import type { EventData } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import type { Oracle } from '../measure/oracle.js';
import { kafkaClient, uncommitted, withAdmin } from './client.js';

/** A reader of the backlog: starts, and returns how to stop it, after which everything is committed. */
export type Consume = (kafka: Kafka, setting: Setting, oracle: Oracle) => Promise<() => Promise<void>>;

/** One repetition of consuming: a fresh group, the clock from its first event to its last; what is committed is asked of the broker afterwards. */
export async function consuming(setting: Setting, consume: Consume): Promise<Repetition> {
  const { servers, scale, backlog, id } = setting;
  const kafka = kafkaClient(servers);
  const oracle = new MeteredOracle(scale.backlog, new Meter(servers.brokerPid));
  const stop = await consume(kafka, setting, oracle);
  await oracle.untilAll();
  oracle.meter.stop();
  await stop();
  const faults = [...oracle.faults(scale.backlog), ...(await uncommitted(kafka, backlog, id))];
  await withAdmin(kafka, (admin) => admin.deleteGroups([id])).catch(() => undefined);
  return oracle.meter.repetition(scale.backlog, faults);
}

async function started(kafka: Kafka, { backlog, id }: Setting): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId: id });
  await consumer.connect();
  await consumer.subscribe({ topic: backlog, fromBeginning: true });
  return consumer;
}

/** What a careful reader does with a message: its id, type and key from the headers, its body as JSON. */
function read({ headers, value }: KafkaMessage, oracle: Oracle): void {
  const id = headers?.['ce_id']?.toString();
  const type = headers?.['ce_type']?.toString();
  if (id === undefined || type === undefined || value === null) throw new Error('a message without metadata');
  oracle.take(JSON.parse(value.toString()) as EventData, headers?.['ce_partitionkey']?.toString());
}

const eachMessage: Consume = async (kafka, setting, oracle) => {
  const consumer = await started(kafka, setting);
  await consumer.run({
    // oxlint-disable-next-line require-await
    eachMessage: async ({ message }) => read(message, oracle),
  });
  return () => consumer.disconnect();
};

const eachBatch: Consume = async (kafka, setting, oracle) => {
  const consumer = await started(kafka, setting);
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) read(message, oracle);
      const offset = String(Number(batch.lastOffset()) + 1);
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }]);
    },
  });
  return () => consumer.disconnect();
};

export const RAW_CONSUME: readonly Configuration[] = [
  {
    id: 'kafka/consume/raw-each-message',
    title: 'eachMessage',
    by: 'raw',
    run: (setting) => consuming(setting, eachMessage),
  },
  {
    id: 'kafka/consume/raw-each-batch',
    title: 'eachBatch, one commit a batch',
    by: 'raw',
    quick: true,
    run: (setting) => consuming(setting, eachBatch),
  },
  {
    id: 'kafka/consume-1k/raw-each-batch',
    title: 'eachBatch, one commit a batch, 1 KiB',
    by: 'raw',
    backlog: '1 KiB',
    run: (setting) => consuming(setting, eachBatch),
  },
];
