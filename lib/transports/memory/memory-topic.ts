import { monotonicNow } from '../../core/clock.js';
import { EventBusError, MessageTooLargeError } from '../../core/errors.js';
import { partitionOf } from '../../core/murmur2.js';
import { HeaderList, type HeaderEntry, type OutgoingMessage, type Position } from '../../transport/message.js';
import { DuplicateWindow } from './duplicate-window.js';
import type { ResolvedMemoryBrokerOptions } from './memory.options.js';
import { PartitionLog, type StoredMessage } from './partition-log.js';

/** What a topic answers: stored, stored before, or refused. */
export type Appended = { readonly position: Position; readonly duplicate: boolean } | { readonly error: Error };

/** The lowest offset of a partition that some group still needs; its end when none does. */
export type NeededFrom = (topic: MemoryTopic, partition: number) => number;

/** A topic: partitions, a bound, and the ids it has stored lately. */
export class MemoryTopic {
  readonly partitions: readonly PartitionLog[];
  readonly #duplicates: DuplicateWindow;
  #messages = 0;
  #bytes = 0;
  #turn = 0;

  constructor(
    readonly name: string,
    private readonly options: ResolvedMemoryBrokerOptions,
    private readonly neededFrom: NeededFrom,
  ) {
    this.partitions = Array.from({ length: options.partitions }, () => new PartitionLog());
    this.#duplicates = new DuplicateWindow(options.duplicateWindowMs, options.maxMessages, monotonicNow);
  }

  /** Messages kept now. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages ever stored. */
  get stored(): number {
    return this.partitions.reduce((sum, log) => sum + log.end, 0);
  }

  append(message: OutgoingMessage): Appended {
    const seen = this.#duplicates.find(message.id);
    if (seen !== undefined) return { position: { partition: seen.partition, offset: seen.offset }, duplicate: true };

    const body = bytesOf(message.body);
    const sizeBytes = (body?.length ?? 0) + headerBytes(message.headers);
    const { maxMessageBytes } = this.options;
    if (sizeBytes > maxMessageBytes && message.dead !== true) {
      return { error: new MessageTooLargeError(message.topic, sizeBytes, maxMessageBytes) };
    }
    if (!this.#hasRoom(sizeBytes)) return { error: this.#full() };
    return { position: this.#store(message, body, sizeBytes), duplicate: false };
  }

  #store(message: OutgoingMessage, body: Uint8Array | null, sizeBytes: number): Position {
    const key = message.key === undefined || message.key === '' ? null : Buffer.from(message.key);
    const partition = key === null ? this.#nextTurn() : partitionOf(key, this.partitions.length);
    const log = this.#log(partition);
    const offset = log.end;
    const headers = new HeaderList([...message.headers]);
    const { id } = message;
    this.#messages += 1;
    this.#bytes += sizeBytes;
    this.#duplicates.add(id, partition, offset);
    log.append({ id, partition, offset, key, body, headers, storedAt: Date.now(), sizeBytes });
    return { partition, offset };
  }

  #nextTurn(): number {
    this.#turn = (this.#turn + 1) % this.partitions.length;
    return this.#turn;
  }

  /** Drops what nobody needs, oldest first, but only when it must: a new group may begin with what is kept. */
  #hasRoom(sizeBytes: number): boolean {
    if (this.#fits(sizeBytes)) return true;
    const limits = this.partitions.map((_, partition) => this.neededFrom(this, partition));
    while (!this.#fits(sizeBytes)) {
      const oldest = this.#oldestDroppable(limits);
      if (oldest === undefined) return this.#messages === 0;
      this.#log(oldest.partition).drop();
      this.#messages -= 1;
      this.#bytes -= oldest.sizeBytes;
    }
    return true;
  }

  #fits(sizeBytes: number): boolean {
    return this.#messages < this.options.maxMessages && this.#bytes + sizeBytes <= this.options.maxBytes;
  }

  #oldestDroppable(limits: readonly number[]): StoredMessage | undefined {
    let found: StoredMessage | undefined;
    this.partitions.forEach((log, partition) => {
      const { oldest } = log;
      if (oldest === undefined || oldest.offset >= (limits[partition] ?? 0)) return;
      if (found === undefined || oldest.storedAt < found.storedAt) found = oldest;
    });
    return found;
  }

  #full(): EventBusError {
    const kept = `${this.#messages} messages, ${this.#bytes} bytes`;
    return new EventBusError(
      'EVENT_BUS_PUBLISH_REJECTED',
      `Topic "${this.name}" is full (${kept}), and its groups still need all of it.`,
      { retryable: true },
    );
  }

  #log(partition: number): PartitionLog {
    const log = this.partitions[partition];
    if (log === undefined) throw new RangeError(`Topic "${this.name}" has no partition ${partition}.`);
    return log;
  }
}

/** A copy: the publisher may go on using its buffer. */
function bytesOf(body: string | Uint8Array | null): Uint8Array | null {
  if (body === null) return null;
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body);
}

function headerBytes(headers: readonly HeaderEntry[]): number {
  let sum = 0;
  for (const [name, value] of headers) {
    sum += name.length + (typeof value === 'string' ? Buffer.byteLength(value) : value.length);
  }
  return sum;
}
