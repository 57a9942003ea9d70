import { type Admin, type IHeaders, Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import {
  type BrokerControls,
  freePort,
  type KafkaNodeFacts,
  type KafkaProperties,
  startKafka,
} from '../../brokers/index.js';
import { FaultProxy } from '../../faults/index.js';
import type { BrokerOrders } from '../instance/orders.js';
import type { FinalView } from '../oracle/oracle.js';
import { eventOf, monotonicMs, type SettledRecord, type StoredEvent } from '../records.js';
import { type ChaosBroker, INSTANCE_SLOTS, type Lease, type RunNames } from './broker.js';

const PARTITIONS = 6;
const MAX_UNCOMMITTED = 100_000;
const SESSION_TIMEOUT_MS = 6_000;
const READ_TIMEOUT_MS = 120_000;

/** Where a Kafka of others is. */
export interface SharedKafka {
  readonly brokers: readonly string[];
  readonly version: string;
}

interface Parts {
  readonly version: string;
  readonly names: RunNames;
  readonly direct: readonly string[];
  readonly controls?: BrokerControls;
  readonly proxies?: readonly FaultProxy[];
}

/** A Kafka in a run. */
export class ChaosKafka implements ChaosBroker {
  readonly transport = 'kafka';
  readonly version: string;
  readonly controls: BrokerControls | undefined;
  readonly proxies: readonly FaultProxy[];
  readonly lease: Lease = { expiresMs: SESSION_TIMEOUT_MS, duplicatesPerCause: PARTITIONS * MAX_UNCOMMITTED };
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #direct: readonly string[];
  readonly #names: RunNames;

  private constructor({ version, names, direct, controls, proxies = [] }: Parts) {
    this.version = version;
    this.controls = controls;
    this.proxies = proxies;
    this.#names = names;
    this.#direct = direct;
    this.#kafka = new Kafka({
      clientId: 'chaos',
      brokers: [...direct],
      logLevel: logLevel.NOTHING,
      retry: { retries: 2, initialRetryTime: 100 },
      requestTimeout: 5_000,
    });
    this.#admin = this.#kafka.admin();
  }

  /** One that others use too: its instances come directly. */
  static async shared({ brokers, version }: SharedKafka, names: RunNames): Promise<ChaosKafka> {
    const kafka = new ChaosKafka({ version, names, direct: brokers });
    await kafka.#admin.connect();
    return kafka;
  }

  /** One of our own, which advertises to each instance a proxy of its own. @throws BrokerUnavailableError, BrokerStartError */
  static async start(names: RunNames): Promise<ChaosKafka> {
    const slots: { readonly proxy: FaultProxy; readonly port: number }[] = [];
    for (let slot = 0; slot <= INSTANCE_SLOTS; slot += 1) {
      const port = await freePort();
      slots.push({ proxy: await FaultProxy.open({ target: port }), port });
    }
    const proxies = slots.map(({ proxy }) => proxy);
    const controls = await startKafka({ properties: (node) => listenersOf(node, slots) });
    const direct = [`127.0.0.1:${controls.port}`];
    const kafka = new ChaosKafka({ version: controls.version, names, direct, controls, proxies });
    await kafka.#admin.connect();
    return kafka;
  }

  orders(slot: number): BrokerOrders {
    const proxy = this.proxies[slot];
    return {
      kind: 'kafka',
      brokers: proxy === undefined ? this.#direct : [proxy.url],
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      partitions: PARTITIONS,
    };
  }

  publisherOrders(): BrokerOrders {
    return this.orders(INSTANCE_SLOTS);
  }

  async look(): Promise<SettledRecord[]> {
    const answer = await this.#admin.fetchOffsets({ groupId: this.#names.group, topics: [this.#names.topic] });
    const atMs = monotonicMs();
    return answer.flatMap(({ partitions }) =>
      partitions
        .filter(({ offset }) => Number(offset) >= 0)
        .map(({ partition, offset }) => ({ kind: 'settled', source: String(partition), before: Number(offset), atMs })),
    );
  }

  async unsettled(): Promise<number> {
    const [looks, ends] = await Promise.all([this.look(), this.#admin.fetchTopicOffsets(this.#names.topic)]);
    const committed = new Map(looks.map(({ source, before }) => [source, before]));
    return ends.reduce((sum, { partition, high }) => sum + Number(high) - (committed.get(String(partition)) ?? 0), 0);
  }

  async finalView(): Promise<FinalView> {
    const { topic, group } = this.#names;
    const stored: StoredEvent[] = [];
    await this.#read(topic, (partition, { offset, headers }) =>
      stored.push({
        ...eventOf(headerOf(headers, 'ce_id')),
        source: String(partition),
        order: Number(offset),
        position: `${partition}:${offset}`,
      }),
    );
    const deadLetters = new Set<string>();
    const dead = `dead.${group}.${topic}`;
    if ((await this.#admin.listTopics()).includes(dead)) {
      await this.#read(dead, (_, { headers }) => deadLetters.add(headerOf(headers, 'eb-dead-event-id')));
    }
    return { stored, deadLetters, unsettled: await this.unsettled() };
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    const { controls } = this;
    if (controls !== undefined) await controls.remove();
  }

  /** Everything up to the present end. */
  async #read(topic: string, take: (partition: number, message: KafkaMessage) => void): Promise<void> {
    const ends = new Map<number, number>();
    for (const { partition, high } of await this.#admin.fetchTopicOffsets(topic)) {
      if (Number(high) > 0) ends.set(partition, Number(high));
    }
    if (ends.size === 0) return;
    const consumer = this.#kafka.consumer({ groupId: `reader-${this.#names.group}-${topic}`, maxWaitTimeInMs: 50 });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${topic} could not be read in time`)), READ_TIMEOUT_MS);
        const run = consumer.run({
          autoCommit: false,
          eachBatch: ({ batch: { partition, messages } }) => {
            for (const message of messages) take(partition, message);
            if (Number(messages.at(-1)?.offset ?? -1) + 1 >= (ends.get(partition) ?? 0)) ends.delete(partition);
            if (ends.size === 0) {
              clearTimeout(timer);
              resolve();
            }
            return Promise.resolve();
          },
        });
        run.catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
  }
}

function headerOf(headers: IHeaders | undefined, name: string): string {
  return String(headers?.[name] ?? '');
}

function listenersOf(
  node: KafkaNodeFacts,
  slots: readonly { readonly proxy: FaultProxy; readonly port: number }[],
): KafkaProperties {
  const own = [`PLAINTEXT://127.0.0.1:${node.port}`, ...slots.map(({ port }, at) => `SLOT${at}://127.0.0.1:${port}`)];
  const told = [`PLAINTEXT://127.0.0.1:${node.port}`, ...slots.map(({ proxy }, at) => `SLOT${at}://${proxy.url}`)];
  const kinds = ['CONTROLLER:PLAINTEXT', 'PLAINTEXT:PLAINTEXT', ...slots.map((_, at) => `SLOT${at}:PLAINTEXT`)];
  return {
    listeners: [...own, `CONTROLLER://127.0.0.1:${node.controllerPort}`].join(','),
    'advertised.listeners': told.join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': kinds.join(','),
  };
}
