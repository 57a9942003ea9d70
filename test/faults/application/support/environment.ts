import { Kafka, logLevel } from 'kafkajs';
import { connect, type NatsConnection } from 'nats';
import type { ContractCapabilities, ContractEnvironment } from '../../../../lib/testing/contract/subject.js';
import type { TransportFactory } from '../../../../lib/transport/transport.js';
import { kafkaTransport } from '../../../../lib/transports/kafka/index.js';
import { natsTransport } from '../../../../lib/transports/nats/index.js';
import { KafkaEnvironment } from '../../../contract/kafka.environment.js';
import { MemoryEnvironment } from '../../../contract/memory.environment.js';
import { NatsEnvironment } from '../../../contract/nats.environment.js';
import { KAFKA_VERSION, kafkaBroker, NATS_VERSION, natsServer } from '../../../support/brokers.js';

/** A broker as the faults need it: the contract's, and what the broker itself says is left. */
export interface FaultEnvironment {
  readonly env: ContractEnvironment;
  /** Where its brokers are; none in memory. */
  readonly servers: readonly string[];
  /** Events of a topic that the group has not settled, as the broker counts them. */
  left(topic: string, group: string): Promise<number>;
  /** What an application would give to `forRoot` to hold its sources for no longer than this without a sign of life. */
  shortLease(leaseMs: number): TransportFactory;
  close(): Promise<void>;
}

/** A transport that a fault is shown on. */
export interface TransportUnderTest {
  readonly name: string;
  readonly kind: 'memory' | 'nats' | 'kafka';
  readonly capabilities: ContractCapabilities;
  readonly open: () => Promise<FaultEnvironment>;
}

export const MEMORY: TransportUnderTest = {
  kind: 'memory',
  name: 'memory',
  capabilities: capabilities({ deduplicates: true, tombstones: true, keys: true }),
  open: () => Promise.resolve(memoryFaults()),
};

export const NATS: TransportUnderTest = {
  kind: 'nats',
  name: `nats-server ${NATS_VERSION}`,
  capabilities: capabilities({ deduplicates: true, headerValues: 'single-line' }),
  open: async () => natsFaults((await natsServer()).url),
};

export const KAFKA: TransportUnderTest = {
  kind: 'kafka',
  name: `Kafka ${KAFKA_VERSION}`,
  capabilities: capabilities({ tombstones: true, keys: true, credit: 'fetch' }),
  open: async () => kafkaFaults((await kafkaBroker()).brokers),
};

export const BROKERS: readonly TransportUnderTest[] = [NATS, KAFKA];
export const TRANSPORTS: readonly TransportUnderTest[] = [MEMORY, NATS, KAFKA];

function capabilities(given: Partial<ContractCapabilities>): ContractCapabilities {
  return {
    deduplicates: false,
    tombstones: false,
    keys: false,
    credit: 'messages',
    ownership: 'exclusive',
    headerValues: 'any',
    ...given,
  };
}

function memoryFaults(): FaultEnvironment {
  const env = new MemoryEnvironment();
  return {
    env,
    servers: [],
    left: (_topic, group) => Promise.resolve(env.unsettled(group)),
    shortLease: () => env.transport(),
    close: () => env.close(),
  };
}

/** On a server that stays up. */
export async function natsFaults(url: string): Promise<FaultEnvironment> {
  const env = await NatsEnvironment.connect(url);
  const connection = await connect({ servers: url, name: 'fault oracle', maxReconnectAttempts: -1 });
  return {
    env,
    servers: [url],
    left: (topic, group) => natsLeft(connection, topic, group),
    shortLease: (leaseMs) =>
      natsTransport({ connection: { servers: url }, ackWaitMs: leaseMs, pullExpiryMs: Math.floor(leaseMs / 2) }),
    close: async () => {
      await env.close();
      await connection.close();
    },
  };
}

/** Waiting, or delivered and not settled, over the group's durables on the topic's stream. */
async function natsLeft(connection: NatsConnection, topic: string, group: string): Promise<number> {
  const manager = await connection.jetstreamManager();
  const consumers = await manager.consumers.list(await manager.streams.find(topic)).next();
  const own = consumers.filter(({ name }) => name.startsWith(group));
  if (own.length === 0) throw new Error(`${group} has no durable on the stream of ${topic}.`);
  return own.reduce((sum, { num_pending, num_ack_pending }) => sum + num_pending + num_ack_pending, 0);
}

/** On brokers that stay up. */
export async function kafkaFaults(brokers: readonly string[]): Promise<FaultEnvironment> {
  const env = await KafkaEnvironment.connect(brokers);
  const kafka = new Kafka({ clientId: 'fault-oracle', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  return {
    env,
    servers: brokers,
    left: async (topic, groupId) => {
      const ends = await admin.fetchTopicOffsets(topic);
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      const committed = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      return ends.reduce((sum, { partition, high }) => {
        return sum + Number(high) - Math.max(0, committed.get(partition) ?? 0);
      }, 0);
    },
    shortLease: (sessionTimeoutMs) =>
      kafkaTransport({ connection: { brokers }, sessionTimeoutMs, topicRefreshMs: 500 }),
    close: async () => {
      await env.close();
      await admin.disconnect();
    },
  };
}
