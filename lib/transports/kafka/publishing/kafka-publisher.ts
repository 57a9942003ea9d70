import { NotConnectedError } from '../../../core/errors.js';
import type { Handle, HandleRegister } from '../../../core/handle-register.js';
import type { BusLogger } from '../../../core/logger.js';
import { partitionOf } from '../../../core/murmur2.js';
import type { OutgoingMessage } from '../../../transport/message.js';
import type { PublisherPort } from '../../../transport/transport.js';
import { errorType } from '../driver/client-errors.js';
import type { KafkaTopics } from '../topics/kafka-topics.js';
import type { TopicNames } from '../topics/topic-names.js';
import { asProducerMessage } from './kafka-message.js';
import { PartitionOutbox, type Pending } from './partition-outbox.js';
import type { ProducerSlot } from './producer-slot.js';
import { failureOf, type PublishFailure, topicMissing, unknown } from './publish-failure.js';

export interface PublisherParts {
  readonly port: PublisherPort;
  readonly producers: ProducerSlot;
  readonly topics: KafkaTopics;
  readonly names: TopicNames;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  readonly topicRefreshMs: number;
  readonly connection: { readonly isConnected: boolean; readonly limitBytes: () => number };
}

/** A topic that was published to. */
interface TopicOutbox {
  /** Of all partitions it ever had. One has the same outbox for as long as something is on its way: two would overtake each other. */
  readonly outboxes: PartitionOutbox[];
  /** How many partitions it has; 0 while that is not known. */
  count: number;
  isLookedUp: boolean;
  /** In call order, until the number of partitions is known. */
  waiting: Pending[];
  /** Where the next event without a key goes. */
  next: number;
  isUsed: boolean;
}

/** Gathers what is published during a turn of the event loop and sends it at its end, partition by partition. */
export class KafkaPublisher {
  readonly #topics = new Map<string, TopicOutbox>();
  /** To be flushed at the end of this turn. */
  readonly #due = new Set<PartitionOutbox>();
  readonly #flushes = new Set<Promise<void>>();
  readonly #timer: Handle;
  #immediate: NodeJS.Immediate | undefined;
  #isClosed = false;

  constructor(private readonly parts: PublisherParts) {
    this.#timer = parts.handles.interval('kafka partitions', () => void this.#refresh(), parts.topicRefreshMs);
  }

  publish(outgoing: OutgoingMessage, slot: number): void {
    if (this.#isClosed || !this.parts.connection.isConnected) {
      return this.parts.port.failed(slot, 'unsent', new NotConnectedError('Kafka'));
    }
    const pending: Pending = { ...asProducerMessage(outgoing), slot };
    const topic = this.#topics.get(outgoing.topic) ?? this.#open(outgoing.topic);
    topic.isUsed = true;
    if (topic.count > 0) return route(topic, pending);
    topic.waiting.push(pending);
    if (!topic.isLookedUp) void this.#lookUp(outgoing.topic, topic);
  }

  /** What is in flight or waits ends `unknown`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.closed();
    clearImmediate(this.#immediate);
    for (const [name, topic] of this.#topics) {
      const failure = unknown(name, new Error('the transport was closed'));
      this.#failWaiting(topic, failure);
      for (const outbox of topic.outboxes) outbox.abandon(failure);
    }
    await this.parts.producers.close();
    await Promise.all(this.#flushes);
  }

  #open(name: string): TopicOutbox {
    const topic: TopicOutbox = { outboxes: [], count: 0, isLookedUp: false, waiting: [], next: 0, isUsed: true };
    this.#topics.set(name, topic);
    return topic;
  }

  async #lookUp(name: string, topic: TopicOutbox): Promise<void> {
    topic.isLookedUp = true;
    const found = await this.#ensure(name);
    topic.isLookedUp = false;
    if (this.#isClosed) return;
    if (typeof found === 'object') {
      this.#forget(name, topic);
      return this.#failWaiting(topic, found);
    }
    this.#grow(name, topic, found);
    for (const pending of topic.waiting.splice(0)) route(topic, pending);
  }

  /** Resolves with the number of partitions, or with why there is none. */
  async #ensure(name: string): Promise<number | PublishFailure> {
    try {
      return (await this.parts.topics.ensure(name)) ?? topicMissing(name);
    } catch (error) {
      const { how, error: reason } = failureOf(error, name);
      return { how: how === 'unknown' ? 'unsent' : how, error: reason };
    }
  }

  #grow(name: string, topic: TopicOutbox, count: number): void {
    const wireTopic = this.parts.names.wire(name);
    const { limitBytes } = this.parts.connection;
    for (let partition = topic.outboxes.length; partition < count; partition += 1) {
      const target = { topic: name, wireTopic, partition, limitBytes };
      const schedule = (outbox: PartitionOutbox): void => this.#schedule(outbox);
      topic.outboxes.push(new PartitionOutbox(target, this.parts.producers, this.parts.port, schedule));
    }
    topic.count = Math.max(topic.count, count);
  }

  /** It is looked up again at its next use. What is on its way stays where it is, and what comes next waits behind it. */
  #forget(name: string, topic: TopicOutbox): void {
    topic.count = 0;
    if (topic.outboxes.every(({ isIdle }) => isIdle)) this.#topics.delete(name);
  }

  #failWaiting(topic: TopicOutbox, { how, error }: PublishFailure): void {
    for (const { slot } of topic.waiting.splice(0)) this.parts.port.failed(slot, how, error);
  }

  #schedule(outbox: PartitionOutbox): void {
    if (this.#isClosed) return;
    this.#due.add(outbox);
    this.#immediate ??= setImmediate(() => this.#flushDue());
  }

  #flushDue(): void {
    this.#immediate = undefined;
    const due = [...this.#due];
    this.#due.clear();
    for (const outbox of due) {
      const flush = outbox.flush();
      this.#flushes.add(flush);
      void flush.finally(() => this.#flushes.delete(flush));
    }
  }

  /** Partitions that were added are used; a topic that was deleted is looked up, and created, at its next use. */
  async #refresh(): Promise<void> {
    const used = [...this.#topics].filter(([, topic]) => isDue(topic));
    for (const [name, topic] of used) {
      topic.isUsed = false;
      try {
        const count = await this.parts.topics.count(name);
        if (topic.isLookedUp) continue;
        if (count === undefined) this.#forget(name, topic);
        else this.#grow(name, topic, count);
      } catch (error) {
        return this.parts.logger.debug('Cannot look up partitions.', { topic: name, error: errorType(error) });
      }
    }
  }
}

/** Whether its partitions are to be counted again: it was used, or has been missing. */
function isDue({ isUsed, isLookedUp, count }: TopicOutbox): boolean {
  return (isUsed || count === 0) && !isLookedUp;
}

/** The partition is chosen once: by the key as every Kafka client does, in turn without one. */
function route(topic: TopicOutbox, pending: Pending): void {
  const { key } = pending.message;
  const { count } = topic;
  const partition = key === null ? topic.next++ % count : partitionOf(key, count);
  topic.outboxes[partition]?.add(pending);
}
