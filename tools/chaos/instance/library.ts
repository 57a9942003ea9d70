import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Bus from 'nestjs-eventbus';
import type * as Kafka from 'nestjs-eventbus/kafka';
import type * as Nats from 'nestjs-eventbus/nats';
import type { BrokerOrders, ProcessOrders } from './orders.js';

/** The library under test, which may be a patched copy: imported by its folder, not by its name. */
export async function importLibrary({ library }: ProcessOrders): Promise<typeof Bus> {
  return importOf(library, 'index.js');
}

/** The transport of a process; the publisher and the instances declare the same topics. */
export async function transportOf({ library, broker, topic }: ProcessOrders): Promise<Bus.TransportFactory> {
  return broker.kind === 'kafka'
    ? kafkaOf(await importOf<typeof Kafka>(library, 'transports/kafka/index.js'), broker, topic)
    : natsOf(await importOf<typeof Nats>(library, 'transports/nats/index.js'), broker, topic);
}

function kafkaOf(
  { kafkaTransport }: typeof Kafka,
  { brokers, sessionTimeoutMs, partitions }: Extract<BrokerOrders, { kind: 'kafka' }>,
  topic: string,
): Bus.TransportFactory {
  return kafkaTransport({ connection: { brokers }, topics: [{ name: topic, partitions }], sessionTimeoutMs });
}

function natsOf(
  { natsTransport }: typeof Nats,
  { servers, stream, ackWaitMs, memberTtlMs, partitions }: Extract<BrokerOrders, { kind: 'nats' }>,
  topic: string,
): Bus.TransportFactory {
  return natsTransport({
    connection: { servers, pingIntervalMs: 2_000, maxReconnectDelayMs: 1_000 },
    streams: [{ name: stream, subjects: [topic], partitions }],
    ackWaitMs,
    memberTtlMs,
    pullExpiryMs: 1_000,
  });
}

async function importOf<T>(library: string, file: string): Promise<T> {
  return (await import(pathToFileURL(join(library, file)).href)) as T;
}
