import { MessageTooLargeError } from '../../../core/errors.js';
import type { PublisherPort } from '../../../transport/transport.js';
import type { ProducerMessage } from '../driver/driver.js';
import type { ProducerSlot } from './producer-slot.js';
import { behind, failureOf, isTooLarge, type PublishFailure, unknown } from './publish-failure.js';

const MAX_BATCH_MESSAGES = 1_000;
const MAX_BATCH_BYTES = 900_000;

/** A message on its way. */
export interface Pending {
  readonly message: ProducerMessage;
  readonly slot: number;
  readonly sizeBytes: number;
}

export interface OutboxTarget {
  /** Application's name and name on the wire. */
  readonly topic: string;
  readonly wireTopic: string;
  readonly partition: number;
  readonly limitBytes: () => number;
}

/**
 * What is to be sent to one partition, in order: one flush at a time, because kafkajs lets a later one overtake an earlier one. A
 * failed flush fails what it carried, and what waits behind it goes back unsent.
 */
export class PartitionOutbox {
  #queue: Pending[] = [];
  /** Messages to be sent one by one, because together they were too large. */
  #singles = 0;
  #isFlushing = false;

  constructor(
    private readonly target: OutboxTarget,
    private readonly producers: ProducerSlot,
    private readonly port: PublisherPort,
    /** Asks for a flush at the end of this turn of the event loop. */
    private readonly schedule: (outbox: PartitionOutbox) => void,
  ) {}

  add(pending: Pending): void {
    this.#queue.push(pending);
    if (!this.#isFlushing) this.schedule(this);
  }

  /** Nothing waits here, and nothing is on its way. */
  get isIdle(): boolean {
    return !this.#isFlushing && this.#queue.length === 0;
  }

  async flush(): Promise<void> {
    if (this.#isFlushing || this.#queue.length === 0) return;
    this.#isFlushing = true;
    const batch = this.#take();
    try {
      const { wireTopic: topic, partition } = this.target;
      const base = await this.producers.send(
        { topic, partition },
        batch.map(({ message }) => message),
      );
      if (base === undefined) this.#fail(batch, unknown(this.target.topic));
      else this.#confirm(batch, Number(base));
    } catch (error) {
      this.#failed(batch, error);
    } finally {
      this.#isFlushing = false;
      if (this.#queue.length > 0) this.schedule(this);
    }
  }

  /** What waits and will not be sent. */
  abandon(failure: PublishFailure): void {
    for (const { slot } of this.#queue.splice(0)) this.port.failed(slot, failure.how, failure.error);
  }

  #take(): Pending[] {
    const most = this.#singles > 0 ? 1 : MAX_BATCH_MESSAGES;
    this.#singles = Math.max(0, this.#singles - 1);
    let count = 0;
    let bytes = 0;
    for (const { sizeBytes } of this.#queue) {
      if (count > 0 && (count >= most || bytes + sizeBytes > MAX_BATCH_BYTES)) break;
      count += 1;
      bytes += sizeBytes;
    }
    return this.#queue.splice(0, count);
  }

  #confirm(batch: readonly Pending[], base: number): void {
    const { partition } = this.target;
    batch.forEach(({ slot }, index) => this.port.confirmed(slot, { partition, offset: base + index }, false));
  }

  /** A batch that is too large says nothing about its messages: they are sent one by one. */
  #failed(batch: readonly Pending[], error: unknown): void {
    if (!isTooLarge(error)) return this.#fail(batch, failureOf(error, this.target.topic));
    const [only] = batch;
    if (batch.length > 1 || only === undefined) {
      this.#singles += batch.length;
      this.#queue.unshift(...batch);
      return;
    }
    const { topic, limitBytes } = this.target;
    this.port.failed(only.slot, 'rejected', new MessageTooLargeError(topic, only.sizeBytes, limitBytes()));
  }

  /** Rejected ones leave what waits behind them alone: the producer is as good as before. */
  #fail(batch: readonly Pending[], failure: PublishFailure): void {
    const waiting = failure.how === 'rejected' ? [] : this.#queue.splice(0);
    for (const { slot } of batch) this.port.failed(slot, failure.how, failure.error);
    const reason = behind(this.target.topic, failure.error);
    for (const { slot } of waiting) this.port.failed(slot, reason.how, reason.error);
  }
}
