import { Kafka, logLevel, type Admin } from 'kafkajs';
import { HandleRegister } from '../../../lib/core/handle-register.js';
import type { BusLogger, LogFields } from '../../../lib/core/logger.js';
import type { HeaderEntry, OutgoingMessage, Position } from '../../../lib/transport/message.js';
import type {
  ConnectionStatus,
  ConsumerPort,
  Credit,
  Delivery,
  PublisherPort,
  Source,
  Subscription,
  Transport,
} from '../../../lib/transport/transport.js';
import { kafkaTransport, type KafkaTransportOptions } from '../../../lib/transports/kafka/index.js';

/** How a publish ended. */
export type Outcome =
  | { readonly how: 'confirmed'; readonly position: Position }
  | { readonly how: 'unsent' | 'unknown' | 'rejected'; readonly error: Error };

/** One line of the log. */
export interface LogLine {
  readonly level: 'debug' | 'log' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

export interface TestBusOptions {
  readonly transport: KafkaTransportOptions;
  readonly topicPrefix?: string;
  readonly rebalanceDrainMs?: number;
  /** What each source may take in all; unlimited by default. */
  readonly credit?: (source: Source) => Credit;
  /** Runs a delivery; settled afterwards unless it says otherwise. @default settles at once */
  readonly handle?: (delivery: Delivery, bus: TestBus) => Promise<'settle' | 'keep'>;
}

/** What a handler was seen to do. */
export interface Run {
  readonly source: Source;
  readonly offset: number;
  readonly body: string | null;
  readonly startedAt: number;
  endedAt: number | undefined;
}

/** A tiny bus: one lane per key and source, unbounded, with everything it saw kept for the test. */
export class TestBus implements ConsumerPort, PublisherPort {
  readonly handles = new HandleRegister();
  readonly log: LogLine[] = [];
  readonly statuses: ConnectionStatus[] = [];
  readonly deliveries: Delivery[] = [];
  readonly runs: Run[] = [];
  readonly assignedSources: Source[] = [];
  readonly revokedSources: Source[] = [];
  readonly lostSources: Source[] = [];
  readonly transport: Transport;
  readonly #outcomes = new Map<number, (outcome: Outcome) => void>();
  /** `source key` → the last delivery of a lane. */
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #running = new Map<Source, Set<Promise<void>>>();
  readonly #closed = new Set<Source>();
  #slot = 0;
  #isDraining = false;

  constructor(private readonly options: TestBusOptions) {
    const factory = kafkaTransport(options.transport);
    const faults = factory.validate();
    if (faults.length > 0) throw new Error(faults.join('; '));
    this.transport = factory.create({
      bus: 'test',
      topicPrefix: options.topicPrefix ?? '',
      rebalanceDrainMs: options.rebalanceDrainMs ?? 5_000,
      consumer: this,
      publisher: this,
      handles: this.handles,
      logger: this.#logger(),
      onStatus: (status) => this.statuses.push(status),
    });
  }

  async start(...subscriptions: Partial<Subscription>[]): Promise<this> {
    const complete = subscriptions.map((one) => subscription(one));
    await this.transport.connect();
    await this.transport.prepare(complete);
    if (complete.length > 0) await this.transport.consume(complete);
    return this;
  }

  async stop(): Promise<void> {
    await this.transport.stopFetching();
    this.#isDraining = true;
    await Promise.all([...this.#running.values()].flatMap((running) => [...running]));
    await this.transport.closeConsumers();
    await this.transport.close();
  }

  publish(topic: string, body: OutgoingMessage['body'], more: Partial<OutgoingMessage> = {}): Promise<Outcome> {
    const slot = this.#slot++;
    return new Promise((resolve) => {
      this.#outcomes.set(slot, resolve);
      this.transport.publish(
        { topic, body, key: undefined, id: String(slot), headers: [] as HeaderEntry[], ...more },
        slot,
      );
    });
  }

  get bodies(): (string | null)[] {
    return this.deliveries.map(bodyOf);
  }

  get handled(): Run[] {
    return this.runs.filter(({ endedAt }) => endedAt !== undefined);
  }

  group(name: string): Record<string, unknown> {
    const groups: unknown = this.transport.details()['groups'];
    return record(record(groups)[name]);
  }

  /** Active sources, as `topic[partition]`, sorted. */
  get owned(): string[] {
    return this.assignedSources
      .filter((source) => source.lease() !== 'lost')
      .map(({ name }) => name.split('/')[1] ?? '')
      .toSorted();
  }

  assigned(source: Source): Credit {
    this.assignedSources.push(source);
    this.#running.set(source, new Set());
    return this.options.credit?.(source) ?? { messages: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };
  }

  deliver(delivery: Delivery): void {
    this.deliveries.push(delivery);
    if (this.options.handle === undefined) return this.transport.settle(delivery);
    const { source } = delivery;
    const key =
      delivery.message.key === null ? `\0${Math.random()}` : Buffer.from(delivery.message.key ?? []).toString('latin1');
    const lane = `${source.group} ${source.name} ${key}`;
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const run = before.then(() => this.#run(delivery));
    this.#lanes.set(lane, run);
  }

  async revoking(source: Source): Promise<void> {
    this.revokedSources.push(source);
    this.#closed.add(source);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.options.rebalanceDrainMs ?? 5_000);
    });
    await Promise.race([Promise.all(this.#running.get(source) ?? new Set<Promise<void>>()), deadline]);
    clearTimeout(timer);
  }

  lost(source: Source): void {
    this.#closed.add(source);
    this.lostSources.push(source);
  }

  confirmed(slot: number, position: Position): void {
    this.#end(slot, { how: 'confirmed', position });
  }

  failed(slot: number, how: 'unsent' | 'unknown' | 'rejected', error: Error): void {
    this.#end(slot, { how, error });
  }

  async #run(delivery: Delivery): Promise<void> {
    while (delivery.source.lease() === 'unsure') await new Promise((resolve) => setTimeout(resolve, 20));
    if (this.#isDraining || this.#closed.has(delivery.source) || delivery.source.lease() === 'lost') return;
    const { source, position } = delivery;
    const offset = 'offset' in position ? position.offset : position.sequence;
    const run: Run = { source, offset, body: bodyOf(delivery), startedAt: performance.now(), endedAt: undefined };
    this.runs.push(run);
    const work = (async () => {
      const how = await this.options.handle?.(delivery, this);
      run.endedAt = performance.now();
      if (how === 'settle') this.transport.settle(delivery);
    })();
    this.#running.get(source)?.add(work);
    await work;
    this.#running.get(source)?.delete(work);
  }

  #end(slot: number, outcome: Outcome): void {
    const resolve = this.#outcomes.get(slot);
    if (resolve === undefined) throw new Error(`slot ${slot} was answered twice`);
    this.#outcomes.delete(slot);
    resolve(outcome);
  }

  #logger(): BusLogger {
    const level =
      (name: LogLine['level']) =>
      (message: string, fields: LogFields = {}): void =>
        void this.log.push({ level: name, message, fields });
    return { debug: level('debug'), log: level('log'), warn: level('warn'), error: level('error') };
  }
}

/** An object, or an empty one in place of anything else. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

export function subscription(given: Partial<Subscription>): Subscription {
  return { group: 'group', patterns: [], startFrom: 'earliest', delivery: 'at-least-once', ordering: 'key', ...given };
}

export function bodyOf(delivery: Delivery): string | null {
  const { body } = delivery.message;
  return body === null ? null : Buffer.from(body).toString('utf8');
}

/** A foreign client, for the broker's own view. */
export function foreign(brokers: readonly string[]): Kafka {
  return new Kafka({ brokers: [...brokers], clientId: 'foreign', logLevel: logLevel.NOTHING });
}

export async function withAdmin<T>(brokers: readonly string[], ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = foreign(brokers).admin();
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}

/** What the broker has as committed, by partition; -1: nothing. */
export function committed(brokers: readonly string[], groupId: string, topic: string): Promise<Record<number, number>> {
  return withAdmin(brokers, async (admin) => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return Object.fromEntries((found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
  });
}

export async function createTopic(
  brokers: readonly string[],
  topic: string,
  numPartitions = 1,
  config: Record<string, string> = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await withAdmin(brokers, (admin) =>
    admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false }),
  );
}

/** What a foreign producer is to send. */
export interface PlainMessage {
  readonly key: string;
  readonly value: string;
  readonly partition: number;
}

const PLAIN_BATCH = 50;

/** Sends from a plain kafkajs producer, partition by partition: a failed send over several would repeat those that were stored. */
export async function produce(
  brokers: readonly string[],
  topic: string,
  messages: readonly PlainMessage[],
): Promise<void> {
  const producer = foreign(brokers).producer({
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  });
  await producer.connect();
  for (const partition of new Set(messages.map((message) => message.partition))) {
    const own = messages.filter((message) => message.partition === partition);
    for (let from = 0; from < own.length; from += PLAIN_BATCH) {
      await producer.send({ topic, messages: own.slice(from, from + PLAIN_BATCH) });
    }
  }
  await producer.disconnect();
}
