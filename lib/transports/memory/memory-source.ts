import { type MonotonicClock, monotonicNow } from '../../core/clock.js';
import type { Credit, Delivery, Source, SourceProgress } from '../../transport/transport.js';
import type { Share } from './memory-group.js';
import type { PartitionLog, StoredMessage } from './partition-log.js';

/** What a source is made of. */
export interface MemorySourceOptions {
  readonly group: string;
  /** The application's topic. */
  readonly topic: string;
  readonly share: Share;
  readonly fetchBytes: number;
  /** There may be something to deliver: called often, from anywhere. */
  readonly wake: (source: MemorySource) => void;
}

/** One period in which this instance owns a partition. */
export class MemorySource implements Source {
  readonly name: string;
  readonly group: string;
  readonly partition: number;
  readonly fetchBytes: number;
  readonly progress: SourceProgress;
  readonly #options: MemorySourceOptions;
  readonly #log: PartitionLog;
  readonly #stopListening: () => void;
  readonly #now: MonotonicClock = monotonicNow;
  #credit: Credit = { messages: 0, bytes: 0 };
  /** Where the next delivery is looked for. */
  #next: number;
  #state: 'owned' | 'revoking' | 'lost' = 'owned';
  #lastProgressAt: number | undefined;
  /** Whether it waits for its turn in the pump. */
  isReady = false;

  constructor(options: MemorySourceOptions) {
    const { group, topic, share, fetchBytes } = options;
    const log = share.topic.partitions[share.partition];
    if (log === undefined) throw new RangeError(`Topic "${topic}" has no partition ${share.partition}.`);
    this.#options = options;
    this.#log = log;
    this.name = `${group}/${topic}[${share.partition}]`;
    this.group = group;
    this.partition = share.partition;
    this.fetchBytes = fetchBytes;
    this.#next = Math.max(share.cursor.frontier, log.start);
    this.#stopListening = log.onAppend(() => this.replenished());
    this.progress = progressOf(
      () => this.#log.end - this.#next,
      () => this.#lastProgressAt,
    );
  }

  get share(): Share {
    return this.#options.share;
  }

  lease(): 'held' | 'lost' {
    return this.#state === 'lost' ? 'lost' : 'held';
  }

  replenished(): void {
    if (!this.isReady && this.#state === 'owned') this.#options.wake(this);
  }

  grant(credit: Credit): void {
    this.#credit = credit;
    this.replenished();
  }

  /** What is to be delivered next, within the credit; undefined when there is nothing. */
  next(): Delivery | undefined {
    if (this.#state !== 'owned') return undefined;
    const message = this.#unsettledFromHere();
    if (message === undefined || !this.#covers(message)) return undefined;
    const { cursor } = this.#options.share;
    const redelivered = message.offset < cursor.delivered;
    cursor.deliver(message.offset);
    this.#next = message.offset + 1;
    this.#lastProgressAt = this.#now();
    return this.#delivery(message, redelivered);
  }

  /** @returns whether it counted: what a lost source delivered is another's to settle */
  settle(offset: number): boolean {
    if (this.#state === 'lost') return false;
    this.#options.share.cursor.settle(offset);
    this.#lastProgressAt = this.#now();
    return true;
  }

  /** Nothing more is delivered. */
  revoke(): void {
    if (this.#state === 'owned') this.#state = 'revoking';
    this.#stopListening();
  }

  lose(): void {
    this.#state = 'lost';
    this.#stopListening();
  }

  #unsettledFromHere(): StoredMessage | undefined {
    const { cursor } = this.#options.share;
    while (this.#next < cursor.delivered && cursor.isSettled(this.#next)) this.#next += 1;
    return this.#log.at(this.#next);
  }

  /** A dead letter may be larger than any credit: it counts as one fetch, which may pass the bound. */
  #covers(message: StoredMessage): boolean {
    const { messages, bytes } = this.#credit;
    return messages >= 1 && bytes >= Math.min(message.sizeBytes, this.fetchBytes);
  }

  #delivery(message: StoredMessage, redelivered: boolean): Delivery {
    const { key, body, headers, storedAt, partition, offset, sizeBytes } = message;
    return {
      source: this,
      message: { topic: this.#options.topic, key, body, headers, storedAt },
      position: { partition, offset },
      redelivered,
      sizeBytes,
    };
  }
}

function progressOf(lag: () => number, lastProgressAt: () => number | undefined): SourceProgress {
  return {
    get lag() {
      return lag();
    },
    get lastProgressAt() {
      return lastProgressAt();
    },
  };
}
