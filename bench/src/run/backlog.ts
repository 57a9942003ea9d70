import type { BacklogSize, Configuration, Scale, Servers } from '../measure/configuration.js';
import { dataFrom, idOf, idPrefix } from '../measure/events.js';
import { addTopic, kafkaClient, kafkaHeaders, messageOf } from '../kafka/client.js';
import { BareAckPool } from '../nats/ack-pool.js';
import { addStream, natsClient } from '../nats/client.js';

/** A topic that holds what consumers are measured with. */
interface Backlog {
  readonly topic: string;
  readonly bytes: number;
  /** Of the scale's events. */
  readonly share: number;
}

const BACKLOGS: Readonly<Record<BacklogSize, Backlog>> = {
  '100 B': { topic: 'bench.backlog', bytes: 100, share: 1 },
  '1 KiB': { topic: 'bench.backlog-1k', bytes: 1_024, share: 1 / 3 },
};

/** What a setting says of it. */
export function backlogOf(
  scale: Scale,
  size: BacklogSize = '100 B',
): { readonly backlog: string; readonly scale: Scale } {
  const { topic, share } = BACKLOGS[size];
  return { backlog: topic, scale: { ...scale, backlog: scale.backlog * share } };
}

/** Fills what these configurations want in the suite's broker. */
export async function fillBacklogs(
  servers: Servers,
  scale: Scale,
  configurations: readonly Configuration[],
): Promise<void> {
  const sizes = new Set(configurations.map(({ backlog = '100 B' }) => backlog));
  for (const size of sizes) {
    const count = backlogOf(scale, size).scale.backlog;
    if (servers.nats !== undefined) await fillNats(servers, BACKLOGS[size], count);
    if (servers.kafka !== undefined) await fillKafka(servers, BACKLOGS[size], count);
  }
}

async function fillNats({ nats }: Servers, { topic, bytes }: Backlog, count: number): Promise<void> {
  const client = await natsClient(nats);
  await addStream(client, topic);
  const pool = new BareAckPool(client.connection, topic);
  while (pool.sent < count) await pool.fill(count - pool.sent, bytes);
  await pool.drain();
  if (pool.confirmed !== count) throw new Error(`the backlog has ${pool.confirmed} of ${count} events`);
  await client.connection.close();
}

async function fillKafka(servers: Servers, { topic, bytes }: Backlog, count: number): Promise<void> {
  const kafka = kafkaClient(servers);
  await addTopic(kafka, topic);
  // a batch that is sent again is stored once
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const prefix = idPrefix();
  for (let sent = 0; sent < count; sent += 1_000) {
    const messages = dataFrom(sent, Math.min(1_000, count - sent), bytes).map((data) =>
      messageOf(data, kafkaHeaders(topic, idOf(prefix, data.n), data.key)),
    );
    await producer.send({ topic, acks: -1, messages });
  }
  await producer.disconnect();
}
