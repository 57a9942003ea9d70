import { type Kafka, type Producer } from 'kafkajs';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { dataOf, idOf, idPrefix } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { type Enough, pace } from '../measure/pace.js';
import { addTopic, dropTopic, kafkaClient, kafkaHeaders, messageOf, storedFaults } from './client.js';

/** How many were sent, and how many of them confirmed. */
export interface Sent {
  readonly sent: number;
  readonly confirmed: number;
}

/** What is sent, and whether the order of keys is promised. */
export interface Shape {
  readonly bytes?: number;
  /** Whether the references carry the headers that the library writes. */
  readonly headers?: boolean;
  readonly keepsOrder?: boolean;
  /** Of the events that pipelined publishers send at least. @default 0 */
  readonly share?: number;
}

/** One repetition of publishing: a fresh topic, the clock from the first publish to the last confirm, then what was stored is read back. */
export async function publishing(
  { servers, id, scale }: Setting,
  send: (kafka: Kafka, topic: string, clock: { start(share?: number): Enough; stop(): void }) => Promise<Sent>,
  keepsOrder = true,
): Promise<Repetition> {
  const kafka = kafkaClient(servers);
  const topic = `bench.${id}`;
  await addTopic(kafka, topic);
  const meter = new Meter(servers.brokerPid);
  const start = (share?: number): Enough => {
    meter.start();
    return pace(scale, share);
  };
  const { sent, confirmed } = await send(kafka, topic, { start, stop: () => meter.stop() });
  const faults = await storedFaults(kafka, topic, { sent, confirmed, keepsOrder });
  await dropTopic(kafka, topic);
  return meter.repetition(sent, faults);
}

type Send = (
  producer: Producer,
  message: (n: number) => ReturnType<typeof messageOf>,
  topic: string,
  enough: Enough,
) => Promise<Sent>;

function raw(
  send: Send,
  { bytes = 100, headers = true, keepsOrder = true, share = 0 }: Shape = {},
): Configuration['run'] {
  return (setting) =>
    publishing(
      setting,
      async (kafka, topic, clock) => {
        const producer = kafka.producer({ allowAutoTopicCreation: false });
        await producer.connect();
        await producer.send({ topic, acks: -1, messages: [] }).catch(() => undefined);
        const prefix = idPrefix();
        const message = (n: number): ReturnType<typeof messageOf> => {
          const data = dataOf(n, { bytes });
          return messageOf(data, headers ? kafkaHeaders(topic, idOf(prefix, n), data.key) : undefined);
        };
        const sent = await send(producer, message, topic, clock.start(share));
        clock.stop();
        await producer.disconnect();
        return sent;
      },
      keepsOrder,
    );
}

const awaited: Send = async (producer, message, topic, enough) => {
  let sent = 0;
  for (; !enough(sent); sent++) await producer.send({ topic, acks: -1, messages: [message(sent)] });
  return { sent, confirmed: sent };
};

/** A thousand callers, each waiting for its own; its order is the client's affair, and it breaks it. */
const concurrent: Send = async (producer, message, topic, enough) => {
  let sent = 0;
  let confirmed = 0;
  const caller = async (): Promise<void> => {
    while (!enough(sent)) {
      await producer.send({ topic, acks: -1, messages: [message(sent++)] });
      confirmed += 1;
    }
  };
  await Promise.all(Array.from({ length: 1_000 }, caller));
  return { sent, confirmed };
};

/** One batch in flight, because kafkajs lets a second one overtake it: the best that keeps the order of keys. */
const batched: Send = async (producer, message, topic, enough) => {
  let sent = 0;
  while (!enough(sent)) {
    const messages = Array.from({ length: 1_000 }, () => message(sent++));
    await producer.send({ topic, acks: -1, messages });
  }
  return { sent, confirmed: sent };
};

export const RAW_PUBLISH: readonly Configuration[] = [
  {
    id: 'kafka/publish/raw-awaited',
    title: 'producer.send, each awaited',
    by: 'raw',
    quick: true,
    run: raw(awaited),
  },
  {
    id: 'kafka/publish/raw-concurrent',
    title: 'producer.send, 1,000 at once',
    by: 'raw',
    note: 'does not keep the order of keys',
    run: raw(concurrent, { keepsOrder: false, share: 0.1 }),
  },
  {
    id: 'kafka/publish/raw-batched',
    title: 'batches of 1,000, by hand',
    by: 'raw',
    quick: true,
    run: raw(batched, { share: 1 }),
  },
  {
    id: 'kafka/publish/raw-awaited-plain',
    title: 'producer.send, each awaited, no headers',
    by: 'raw',
    run: raw(awaited, { headers: false }),
  },
  {
    id: 'kafka/publish/raw-batched-plain',
    title: 'batches of 1,000, by hand, no headers',
    by: 'raw',
    run: raw(batched, { headers: false, share: 1 }),
  },
  {
    id: 'kafka/publish-1k/raw-awaited',
    title: 'producer.send, each awaited, 1 KiB',
    by: 'raw',
    run: raw(awaited, { bytes: 1_024 }),
  },
  {
    id: 'kafka/publish-1k/raw-batched',
    title: 'batches of 1,000, by hand, 1 KiB',
    by: 'raw',
    run: raw(batched, { bytes: 1_024, share: 0.5 }),
  },
];
