import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Kafka, logLevel } from 'kafkajs';
import { memoryTransport, type TransportFactory } from 'nestjs-eventbus';
import { kafkaTransport, type KafkaTransportOptions } from 'nestjs-eventbus/kafka';
import { natsTransport, type NatsTransportOptions } from 'nestjs-eventbus/nats';
import type { RunNames } from './names.js';
import { type Kind, PARTITIONS_PER_TOPIC, TOPIC_COUNT, type TransportName } from './workload.js';

const GIGABYTE = 1_073_741_824;
const HOUR_MS = 3_600_000;

/** The transport of a run. */
export function transportOf(name: TransportName, kind: Kind, names: RunNames, servers: string): TransportFactory {
  if (name === 'memory') return memoryTransport({ partitions: PARTITIONS_PER_TOPIC });
  if (name === 'nats') return natsTransport(natsOptions(kind, names, servers));
  return kafkaTransport(kafkaOptions(names, servers));
}

/** The storage that the workload names: memory for raw events, files for envelopes. */
export function natsOptions(kind: Kind, names: RunNames, servers: string): NatsTransportOptions {
  const limits =
    kind === 'raw'
      ? { storage: 'memory' as const, maxMessages: 1_000_000, maxBytes: GIGABYTE }
      : { storage: 'file' as const, maxMessages: 100_000, maxBytes: GIGABYTE, maxAgeMs: HOUR_MS };
  return { connection: { servers }, streams: [{ name: names.stream, subjects: names.topics, ...limits }] };
}

export function kafkaOptions(names: RunNames, servers: string): KafkaTransportOptions {
  return {
    connection: { brokers: servers.split(',') },
    topics: names.topics.map((topic) => ({ name: topic, partitions: PARTITIONS_PER_TOPIC, replicationFactor: 1 })),
  };
}

/** How many sources a run consumes from, once everything is assigned. */
export function sourceCount(name: TransportName): number {
  return name === 'nats' ? 1 : TOPIC_COUNT * PARTITIONS_PER_TOPIC;
}

/** What the broker says after the run, read with a client of our own; empty when all is stored and settled. */
export function brokerFaults(name: TransportName, names: RunNames, servers: string, sent: number): Promise<string[]> {
  if (name === 'nats') return natsFaults(names, servers, sent);
  if (name === 'kafka') return kafkaFaults(names, servers, sent);
  return Promise.resolve([]);
}

async function natsFaults(names: RunNames, servers: string, sent: number): Promise<string[]> {
  const connection = await connect({ servers });
  try {
    const manager = await jetstreamManager(connection);
    const { state } = await manager.streams.info(names.stream);
    const faults = state.messages === sent ? [] : [`the stream holds ${state.messages} messages, ${sent} were sent`];
    for await (const consumer of manager.consumers.list(names.stream)) {
      if (consumer.num_ack_pending > 0)
        faults.push(`${consumer.num_ack_pending} acknowledgements pending of ${consumer.name}`);
      if (consumer.num_pending > 0) faults.push(`${consumer.num_pending} messages not delivered to ${consumer.name}`);
    }
    await manager.streams.delete(names.stream);
    return faults;
  } finally {
    await connection.close();
  }
}

async function kafkaFaults(names: RunNames, servers: string, sent: number): Promise<string[]> {
  const admin = new Kafka({ brokers: servers.split(','), logLevel: logLevel.ERROR }).admin();
  await admin.connect();
  try {
    const faults: string[] = [];
    let stored = 0;
    const committed = await admin.fetchOffsets({ groupId: names.group, topics: [...names.topics] });
    for (const topic of names.topics) {
      for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
        stored += Number(high) - Number(low);
        const offset = committed
          .find((one) => one.topic === topic)
          ?.partitions.find((one) => one.partition === partition)?.offset;
        if (Number(high) > 0 && offset !== high) faults.push(`${topic}[${partition}]: committed ${offset} of ${high}`);
      }
    }
    if (stored !== sent) faults.push(`the topics hold ${stored} messages, ${sent} were sent`);
    await admin.deleteTopics({ topics: [...names.topics] });
    return faults;
  } finally {
    await admin.disconnect();
  }
}
