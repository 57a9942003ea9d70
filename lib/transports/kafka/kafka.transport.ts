import { EventBusError } from '../../core/errors.js';
import { MAX_TOPIC_LENGTH } from '../../core/pattern.js';
import type { OutgoingMessage } from '../../transport/message.js';
import type {
  ConnectionStatus,
  Delivery,
  Subscription,
  Transport,
  TransportContext,
} from '../../transport/transport.js';
import { GroupConsumer } from './consuming/group-consumer.js';
import { KafkaDelivery } from './consuming/kafka-delivery.js';
import { TopicWatch } from './consuming/topic-watch.js';
import type { KafkaDriver } from './driver/driver.js';
import { KafkajsDriver } from './driver/kafkajs-driver.js';
import { KafkaConnection } from './kafka-connection.js';
import type { ResolvedKafkaOptions } from './kafka.options.js';
import { KafkaPublisher } from './publishing/kafka-publisher.js';
import { ProducerSlot } from './publishing/producer-slot.js';
import { KafkaTopics } from './topics/kafka-topics.js';
import { TopicNames } from './topics/topic-names.js';

/** How long `consume` waits for the first assignment of each group, in milliseconds. */
const FIRST_ASSIGNMENT_MS = 5_000;
/** What a batch needs beside its message, in bytes. */
const BATCH_OVERHEAD_BYTES = 200;

/** The bus's port to Kafka: wires publishing, consuming, topics and the connection together. */
export class KafkaTransport implements Transport {
  readonly name = 'kafka';
  readonly headerPrefix = 'ce_';
  readonly durable = true;
  readonly #driver: KafkaDriver;
  readonly #connection: KafkaConnection;
  readonly #topics: KafkaTopics;
  readonly #producers: ProducerSlot;
  readonly #publisher: KafkaPublisher;
  readonly #names: TopicNames;
  readonly #groups = new Map<string, GroupConsumer>();
  #closing: Promise<void> | undefined;

  constructor(
    private readonly options: ResolvedKafkaOptions,
    private readonly context: TransportContext,
  ) {
    const { logger, handles, publisher: port } = context;
    this.#names = new TopicNames(context.topicPrefix);
    this.#driver = new KafkajsDriver(options.connection, logger, () => this.#connection.socketsChanged());
    this.#connection = new KafkaConnection(this.#driver, {
      logger,
      handles,
      onStatus: (status) => this.#statusChanged(status),
    });
    this.#topics = new KafkaTopics(options, this.#names, () => this.#connection.admin(), logger);
    this.#producers = new ProducerSlot(this.#driver, handles);
    const connection = this.#connection;
    this.#publisher = new KafkaPublisher({
      port,
      producers: this.#producers,
      topics: this.#topics,
      names: this.#names,
      handles,
      logger,
      topicRefreshMs: options.topicRefreshMs,
      connection: {
        get isConnected() {
          return connection.isConnected;
        },
        limitBytes: () => this.maxMessageBytes ?? 0,
      },
    });
  }

  get status(): ConnectionStatus {
    return this.#connection.status;
  }

  get maxMessageBytes(): number | undefined {
    const limit = this.#connection.facts?.maxMessageBytes;
    return limit === undefined
      ? undefined
      : Math.max(limit, this.#topics.largestDeclaredMessage) - BATCH_OVERHEAD_BYTES;
  }

  connect(): Promise<void> {
    return this.#connection.connect();
  }

  /** Topics that are only consumed are looked up, and created by policy, when their group starts. */
  async prepare(_subscriptions: readonly Subscription[]): Promise<void> {
    await this.#topics.prepare();
  }

  async consume(subscriptions: readonly Subscription[]): Promise<void> {
    const groups = subscriptions.map((subscription) => this.#groupOf(subscription));
    await Promise.all(groups.map((group) => group.start(FIRST_ASSIGNMENT_MS)));
  }

  pause(group: string | undefined): void {
    for (const one of this.#named(group)) one.fetch.pause();
  }

  resume(group: string | undefined): void {
    for (const one of this.#named(group)) one.fetch.resume();
  }

  settle(delivery: Delivery): void {
    if (delivery instanceof KafkaDelivery) delivery.source.settle(delivery.entry);
  }

  /** All of them are settled in hand, so that nothing is stuck behind them; those that the broker does not confirm are not run. */
  async settleBefore(deliveries: readonly Delivery[]): Promise<void> {
    const last = new Map<string, KafkaDelivery>();
    for (const delivery of deliveries) {
      if (!(delivery instanceof KafkaDelivery)) continue;
      delivery.source.settle(delivery.entry);
      const before = last.get(delivery.source.name);
      if (before === undefined || before.entry.offset < delivery.entry.offset) last.set(delivery.source.name, delivery);
    }
    const answers = await Promise.all([...last.values()].map((delivery) => this.#isCommitted(delivery)));
    if (answers.includes(false)) {
      throw new EventBusError(
        'EVENT_BUS_SETTLE_FAILED',
        'Kafka has not answered the commit of at-most-once deliveries.',
      );
    }
  }

  async stopFetching(): Promise<void> {
    for (const group of this.#groups.values()) group.fetch.stop();
  }

  async closeConsumers(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.close()));
  }

  publish(message: OutgoingMessage, slot: number): void {
    this.#publisher.publish(message, slot);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  details(): Readonly<Record<string, unknown>> {
    return {
      brokers: this.options.connection.brokers,
      maxMessageBytes: this.maxMessageBytes,
      maxTopicLength: MAX_TOPIC_LENGTH - this.context.topicPrefix.length,
      producersReplaced: this.#producers.replaced,
      groups: Object.fromEntries([...this.#groups].map(([name, group]) => [name, group.details()])),
    };
  }

  unwrap(): unknown {
    return this.#driver.unwrap();
  }

  #statusChanged(status: ConnectionStatus): void {
    this.context.onStatus(status);
    if (status.state === 'connected') for (const group of this.#groups.values()) group.connected();
  }

  async #close(): Promise<void> {
    await this.closeConsumers();
    await this.#publisher.close();
    await this.#connection.close();
  }

  #isCommitted({ source, entry }: KafkaDelivery): Promise<boolean> {
    const group = this.#groups.get(source.group);
    return (
      group?.fetch.committer.reach(source, entry.offset + 1n, this.options.sessionTimeoutMs) ?? Promise.resolve(false)
    );
  }

  #named(group: string | undefined): GroupConsumer[] {
    return [...this.#groups].filter(([name]) => group === undefined || name === group).map(([, consumer]) => consumer);
  }

  #groupOf(subscription: Subscription): GroupConsumer {
    const { consumer: port, handles, logger } = this.context;
    const cluster = { names: this.#names, topics: this.#topics, admin: () => this.#connection.admin() };
    const group = new GroupConsumer({
      bus: this.context.bus,
      subscription,
      options: this.options,
      driver: this.#driver,
      names: this.#names,
      watch: new TopicWatch(subscription.group, subscription.patterns, cluster, logger),
      port,
      handles,
      logger,
      partitionsOf: (topics) => this.#partitionsOf(topics),
    });
    this.#groups.set(subscription.group, group);
    return group;
  }

  /** A topic that is missing has none; one that cannot be looked up is left out. */
  async #partitionsOf(topics: readonly string[]): Promise<Record<string, readonly number[]>> {
    const found: Record<string, readonly number[]> = {};
    for (const topic of topics) {
      try {
        const count = (await (await this.#connection.admin()).partitionCount(topic)) ?? 0;
        found[topic] = Array.from({ length: count }, (_, partition) => partition);
      } catch (error) {
        this.context.logger.debug('Cannot look up the partitions of a topic that another member consumes.', {
          topic,
          error,
        });
      }
    }
    return found;
  }
}
