import { memoryBroker, memoryTransport, type TransportFactory } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import type { HeaderEntry } from 'nestjs-eventbus';
import type { IHeaders } from 'kafkajs';
import { connect, type JetStreamManager, type MsgHdrs } from 'nats';
import { unique } from '../../../support/unique.js';
import { ForeignKafka, type ForeignMessage } from '../../interop/support/foreign-kafka.js';
import type { RawInput, Where } from './case.js';
import { RawNats } from './raw-nats.js';
import type { Outside, StoredLetter } from './subject.js';

type Raw = string | Uint8Array;

/** A broker in memory. @param maxMessageBytes its limit @default its own */
export async function memoryOutside(maxMessageBytes?: number): Promise<Outside> {
  const broker = memoryBroker(maxMessageBytes === undefined ? {} : { maxMessageBytes });
  const family = unique('input');
  const topic = `${family}.in`;
  return {
    where: 'memory',
    transport: memoryTransport({ broker }),
    topic,
    pattern: `${family}.>`,
    send: async (input) => {
      const to = topic + (input.topicSuffix ?? '');
      const headers = headersOf(input, 'memory');
      const appended = broker.append(to, { topic: to, key: undefined, id: unique('raw'), body: input.body, headers });
      if ('error' in appended) throw appended.error;
    },
    letters: async (deadTopic) => {
      if (!broker.topics().includes(deadTopic)) return [];
      const letters = broker
        .declare(deadTopic)
        .partitions.flatMap((log) =>
          Array.from({ length: log.end - log.start }, (_, index) => log.at(log.start + index)),
        );
      return letters
        .filter((letter) => letter !== undefined)
        .toSorted((a, b) => a.storedAt - b.storedAt)
        .map(({ body, headers }) => ({ body, headers: headers.entries() }));
    },
    close: async () => broker.stop(),
  };
}

/** A JetStream server, written to on the bare socket: no client would send some of these. */
export async function natsOutside(url: string): Promise<Outside> {
  const [raw, connection] = await Promise.all([RawNats.connect(url), connect({ servers: url })]);
  const manager = await connection.jetstreamManager();
  const family = unique('input');
  await manager.streams.add({ name: family, subjects: [`${family}.>`] });
  const topic = `${family}.in`;
  return {
    where: 'nats',
    transport: natsTransport({ connection: { servers: url }, ackWaitMs: 5_000, pullExpiryMs: 1_000 }),
    topic,
    pattern: `${family}.>`,
    send: (input) =>
      raw.publish(topic + (input.topicSuffix ?? ''), headersOf(input, 'nats'), input.body ?? '', input.headerLines),
    letters: (deadTopic) => natsLetters(manager, deadTopic),
    close: async () => {
      await raw.close();
      await connection.close();
    },
  };
}

/** Everything stored on a subject. */
async function natsLetters(manager: JetStreamManager, subject: string): Promise<StoredLetter[]> {
  const letters: StoredLetter[] = [];
  for (let seq = 1; ;) {
    const query = Object.assign({ seq }, { next_by_subj: subject }); // the client's types know only half of what the server takes
    const stored = await manager.streams.getMessage('DEAD_LETTERS', query).catch(() => undefined);
    if (stored === undefined) return letters;
    seq = stored.seq + 1;
    letters.push({ body: stored.data, headers: natsEntries(stored.header) });
  }
}

function natsEntries(given: MsgHdrs): HeaderEntry[] {
  return given.keys().flatMap((name) => given.values(name).map((value): HeaderEntry => [name, value]));
}

/** A Kafka, written to and read from with plain kafkajs. @param maxMessageBytes the topic's limit @default the broker's */
export async function kafkaOutside(brokers: readonly string[], maxMessageBytes?: number): Promise<Outside> {
  const foreign = await ForeignKafka.connect(brokers);
  const config = maxMessageBytes === undefined ? {} : { 'max.message.bytes': String(maxMessageBytes) };
  const family = unique('input');
  const topic = await foreign.topic(`${family}.in`, config);
  const reading = new Map<string, readonly ForeignMessage[]>();
  return {
    where: 'kafka',
    transport: kafkaFactory(brokers, topic, config),
    topic,
    pattern: `${family}.>`,
    send: async (input) => {
      const to = topic + (input.topicSuffix ?? '');
      if (to !== topic) await foreign.topic(to);
      const key = input.key instanceof Uint8Array ? Buffer.from(input.key) : (input.key ?? null);
      const value = input.body === null ? null : Buffer.from(input.body);
      await foreign.send(to, { key, value, headers: kafkaHeaders(headersOf(input, 'kafka')) });
    },
    letters: async (deadTopic) => {
      const known = reading.get(deadTopic);
      if (known !== undefined) return known.map(kafkaLetter);
      if (!(await foreign.admin.listTopics()).includes(deadTopic)) return [];
      reading.set(deadTopic, await foreign.read(deadTopic));
      return [];
    },
    close: () => foreign.close(),
  };
}

function kafkaFactory(
  brokers: readonly string[],
  name: string,
  config: Readonly<Record<string, string>>,
): TransportFactory {
  return kafkaTransport({ connection: { brokers }, topicRefreshMs: 500, topics: [{ name, partitions: 3, config }] });
}

function kafkaLetter({ value, rawHeaders }: ForeignMessage): StoredLetter {
  const headers = Object.entries(rawHeaders).flatMap(([name, given = '']) =>
    (Array.isArray(given) ? given : [given]).map((one): HeaderEntry => [name, one]),
  );
  return { body: value, headers };
}

function kafkaHeaders(entries: readonly HeaderEntry[]): IHeaders {
  const headers: Record<string, Buffer[]> = Object.create(null);
  for (const [name, value] of entries) (headers[name] ??= []).push(Buffer.from(value));
  return headers;
}

/** Everything of an input that goes into headers on that broker. */
function headersOf({ key, contentType, attributes = {}, headers = [] }: RawInput, where: Where): [string, Raw][] {
  const prefix = where === 'kafka' ? 'ce_' : 'ce-';
  const all: [string, Raw][] = Object.entries(attributes).map(([name, value]) => [prefix + name, value]);
  if (contentType !== undefined) all.push(['content-type', contentType]);
  if (where !== 'kafka' && key !== undefined && key !== null) all.push(['ce-partitionkey', key]);
  return [...all, ...headers.map(([name, value]): [string, Raw] => [name, value])];
}
