import { createRequire } from 'node:module';
import type { ProducerRecord, RecordMetadata } from 'kafkajs';
import { describe, expect, it } from 'vitest';

/** kafkajs's producer over a cluster of ours: two brokers, and partition 1 moves from the second to the first between two tries. */
type CreateProducer = (parts: object) => {
  connect(): Promise<void>;
  send(record: ProducerRecord): Promise<RecordMetadata[]>;
};

const createProducer: CreateProducer = createRequire(import.meta.url)('kafkajs/src/producer/index.js');
const logger = { namespace: () => logger, debug: quiet, info: quiet, warn: quiet, error: quiet };

function quiet(): void {
  // nothing to say
}

interface TopicData {
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number }[];
  }[];
}

function setup(retries: number) {
  const leaders = [1, 2];
  const produced: string[] = [];
  const broker = (nodeId: number) => ({
    nodeId,
    initProducerId: async () => ({ producerId: 7, producerEpoch: 0 }),
    produce: async ({ topicData }: TopicData) => {
      const partitions = topicData.flatMap(({ topic, partitions: list }) =>
        list.map(({ partition }) => ({ topic, partition })),
      );
      if (partitions.some(({ partition }) => leaders[partition] !== nodeId) || (nodeId === 2 && leaders[1] === 2)) {
        leaders[1] = 1;
        throw Object.assign(new Error('moved'), {
          name: 'KafkaJSProtocolError',
          type: 'NOT_LEADER_FOR_PARTITION',
          retriable: true,
        });
      }
      produced.push(...partitions.map(({ partition }) => `${partition}@${nodeId}`));
      return {
        topics: [
          {
            topicName: 'orders',
            partitions: partitions.map(({ partition }) => ({ partition, errorCode: 0, baseOffset: '0' })),
          },
        ],
      };
    },
  });
  const brokers = [broker(1), broker(2)];
  const nothing = async (): Promise<void> => undefined;
  const cluster = {
    isConnected: () => true,
    connect: nothing,
    addMultipleTargetTopics: nothing,
    refreshMetadata: nothing,
    refreshMetadataIfNecessary: nothing,
    findControllerBroker: async () => brokers[0],
    findTopicPartitionMetadata: () => leaders.map((leader, partitionId) => ({ leader, partitionId })),
    findLeaderForPartitions: (_: string, partitions: string[]) => {
      const byLeader: Record<string, number[]> = {};
      for (const id of partitions) (byLeader[String(leaders[Number(id)])] ??= []).push(Number(id));
      return byLeader;
    },
    findBroker: async ({ nodeId }: { nodeId: string }) => brokers[Number(nodeId) - 1],
  };
  const retry = { retries, initialRetryTime: 1, maxRetryTime: 2 };
  let partitionings = 0;
  const createPartitioner = () => (args: { message: { partition?: number } }) => {
    partitionings += 1;
    return args.message.partition ?? 0;
  };
  return {
    producer: createProducer({ cluster, logger, idempotent: true, retry, createPartitioner }),
    produced,
    partitionings: () => partitionings,
  };
}

const messages = [0, 1].map((partition) => ({ partition, value: 'x' }));

describe('A produce retry of kafkajs', () => {
  it('A13: confirms what it never sent, when a leader moves to a broker that has answered already', async () => {
    const { producer, produced } = setup(5);
    await producer.connect();
    const answers = await producer.send({ topic: 'orders', messages });

    expect(produced).toEqual(['0@1']);
    expect(answers.map(({ partition }) => partition)).toEqual([0]);
  });

  it('A14: chooses the partitions of its messages anew', async () => {
    const { producer, partitionings } = setup(5);
    await producer.connect();
    await producer.send({ topic: 'orders', messages });

    expect(partitionings()).toBe(4);
  });

  it('does not happen with retries of NaN: the send fails at once; and kafkajs takes no 0', async () => {
    const { producer, partitionings } = setup(Number.NaN);
    await producer.connect();

    await expect(producer.send({ topic: 'orders', messages })).rejects.toThrow('moved');
    expect(partitionings()).toBe(2);
    expect(() => setup(0)).toThrow('must allow retries');
  });
});
