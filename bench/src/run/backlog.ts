import type { Servers } from '../measure/configuration.js';
import { dataFrom, idOf, idPrefix } from '../measure/events.js';
import { addTopic, kafkaClient, kafkaHeaders, messageOf } from '../kafka/client.js';
import { BareAckPool } from '../nats/ack-pool.js';
import { addStream, natsClient } from '../nats/client.js';

/** The topic that holds what consumers are measured with. */
export const BACKLOG = 'bench.backlog';

/** Puts `count` events into the suite's broker. */
export async function fillBacklog(servers: Servers, count: number): Promise<void> {
  if (servers.nats !== undefined) await fillNats(servers, count);
  if (servers.kafka !== undefined) await fillKafka(servers, count);
}

async function fillNats({ nats }: Servers, count: number): Promise<void> {
  const client = await natsClient(nats);
  await addStream(client, BACKLOG);
  const pool = new BareAckPool(client.connection, BACKLOG);
  while (pool.sent < count) await pool.fill(count - pool.sent);
  await pool.drain();
  if (pool.confirmed !== count) throw new Error(`the backlog has ${pool.confirmed} of ${count} events`);
  await client.connection.close();
}

async function fillKafka(servers: Servers, count: number): Promise<void> {
  const kafka = kafkaClient(servers);
  await addTopic(kafka, BACKLOG);
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const prefix = idPrefix();
  for (let sent = 0; sent < count; sent += 1_000) {
    const messages = dataFrom(sent, Math.min(1_000, count - sent)).map((data) =>
      messageOf(data, kafkaHeaders(BACKLOG, idOf(prefix, data.n), data.key)),
    );
    await producer.send({ topic: BACKLOG, acks: -1, messages });
  }
  await producer.disconnect();
}
