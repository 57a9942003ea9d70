import type { JsMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { type EventData, idOf, idPrefix, JSON_TYPE, SOURCE, timeNow } from '../measure/events.js';
import { latencyPair, type PairParts, type Sender, type Take, throughputPair } from '../process/pair.js';
import type { Setting } from '../measure/configuration.js';
import { BareAckPool } from './ack-pool.js';
import { addConsumer, addStream, natsClient, PULL_BATCH, streamOf } from './client.js';

export async function prepareNats({ servers }: Setting, topic: string): Promise<void> {
  const client = await natsClient(servers.nats);
  await addStream(client, topic);
  await client.connection.close();
}

export async function removeNats({ servers }: Setting, topic: string): Promise<void> {
  const client = await natsClient(servers.nats);
  await client.manager.streams.delete(streamOf(topic));
  await client.connection.close();
}

async function consume({ servers, id }: Setting, topic: string, take: Take): Promise<() => Promise<void>> {
  const client = await natsClient(servers.nats);
  const consumer = await addConsumer(client, topic, id);
  const read = (message: JsMsg): void => {
    take(message.json<EventData>(), message.headers?.get('ce-partitionkey'));
    message.ack();
  };
  await consumer.consume({ max_messages: PULL_BATCH, callback: read });
  return () => client.connection.drain();
}

/** Throughput by the bare pool; single events by `js.publish`, whose latency is the client's own. */
async function open({ servers }: Setting, topic: string): Promise<Sender> {
  const { connection, js } = await natsClient(servers.nats);
  const prefix = idPrefix();
  const waiting: Promise<unknown>[] = [];
  return {
    sendAll: async (count) => {
      const pool = new BareAckPool(connection, topic);
      while (pool.sent < count) await pool.fill(count - pool.sent);
      await pool.drain();
      return pool.confirmed;
    },
    send: (data) => {
      const id = idOf(prefix, data.n);
      const head = headers();
      head.set('ce-specversion', '1.0');
      head.set('ce-id', id);
      head.set('ce-source', SOURCE);
      head.set('ce-type', topic);
      head.set('ce-time', timeNow());
      head.set('ce-datacontenttype', JSON_TYPE);
      head.set('ce-partitionkey', data.key);
      waiting.push(js.publish(topic, JSON.stringify(data), { headers: head, msgID: id }));
    },
    flush: async () => {
      return (await Promise.all(waiting)).length;
    },
    close: () => connection.close(),
  };
}

const PARTS: PairParts = { prepare: prepareNats, consume, open, remove: removeNats };

export const RAW_PAIR = [
  throughputPair({ id: 'nats/pair/raw', title: 'bare ACK pool and callback', by: 'raw' }, PARTS),
  latencyPair({ id: 'nats/latency/raw', title: 'js.publish and callback', by: 'raw' }, PARTS),
];
