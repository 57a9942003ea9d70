import type { Type } from '@nestjs/common';
import type { EventBusOptions } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import { dropTopic, kafkaClient } from '../kafka/client.js';
import type { Setting } from '../measure/configuration.js';
import { natsClient, streamOf, untilSettled } from '../nats/client.js';
import { openBus, type OpenBus, untilSources } from '../ours/bus.js';

/** What a point is measured on: a stream, or topics, of its own. */
export interface Subject {
  readonly on: 'nats' | 'kafka';
  readonly setting: Setting;
  /** One, or several under a common prefix. */
  readonly topics: readonly string[];
  /** Of each topic on Kafka, of the stream on NATS. @default 3 on Kafka, 1 on NATS */
  readonly partitions?: number;
  readonly storage?: 'file' | 'memory';
}

/** The bus as it publishes: makes the topics. */
export function openPublisher(subject: Subject): Promise<OpenBus> {
  return openBus({ transport: transportOf(subject), consume: false });
}

/** The bus as it consumes, in a group of its own; resolves when it does from everywhere. What a window leaves undone it says nothing of. */
export async function openConsumer(
  subject: Subject,
  handlers: readonly Type[],
  { pools = {}, shutdownTimeoutMs = 25_000 }: Pick<EventBusOptions, 'pools' | 'shutdownTimeoutMs'> = {},
): Promise<OpenBus> {
  const options = { transport: transportOf(subject), group: subject.setting.id, pools, shutdownTimeoutMs };
  const open = await openBus(options, handlers, ['error']);
  await untilSources(open, sourcesOf(subject));
  return open;
}

/** Takes the topics away. */
export async function remove({ on, setting, topics }: Subject): Promise<void> {
  if (on === 'kafka') {
    const kafka = kafkaClient(setting.servers);
    for (const topic of topics) await dropTopic(kafka, topic);
    return;
  }
  const client = await natsClient(setting.servers.nats);
  await client.manager.streams.delete(streamOf(topics[0] ?? ''));
  await client.connection.close();
}

/** Resolves when the server holds everything as done. Kafka's commits are looked at when the group has closed. */
export async function settled({ on, setting, topics }: Subject): Promise<void> {
  if (on === 'kafka') return;
  const client = await natsClient(setting.servers.nats);
  await untilSettled(client, topics[0] ?? '');
  await client.connection.close();
}

function transportOf({
  on,
  setting,
  topics,
  partitions,
  storage = 'file',
}: Subject): EventBusOptions['transport'] & {} {
  const { servers } = setting;
  if (on === 'nats') {
    const stream = { name: streamOf(topics[0] ?? ''), subjects: topics, storage };
    const streams = [partitions === undefined || partitions === 1 ? stream : { ...stream, partitions }];
    return natsTransport({ connection: { servers: servers.nats ?? '' }, streams });
  }
  const declared = topics.map((name) => ({ name, partitions: partitions ?? 3, replicationFactor: 1 }));
  return kafkaTransport({ connection: { brokers: servers.kafka ?? [] }, topics: declared });
}

function sourcesOf({ on, topics, partitions }: Subject): number {
  return on === 'nats' ? (partitions ?? 1) : topics.length * (partitions ?? 3);
}
