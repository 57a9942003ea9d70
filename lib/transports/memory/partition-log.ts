import type { HeaderList } from '../../transport/message.js';

/** A message as the broker keeps it. */
export interface StoredMessage {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly body: Uint8Array | null;
  readonly headers: HeaderList;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  /** What it pins in memory. */
  readonly sizeBytes: number;
}

/** Emptied places before the rest is moved to the front: moving each message once in so many keeps dropping cheap. */
const COMPACT_AT = 1024;

/**
 * One partition: messages at consecutive offsets.
 * - start: the offset of the oldest one kept
 * - end: the offset the next one gets
 */
export class PartitionLog {
  #messages: (StoredMessage | undefined)[] = [];
  /** Places at the front that were dropped and not yet cut off. */
  #dropped = 0;
  #start = 0;
  /** Who wants to hear of new messages. */
  readonly #readers: (() => void)[] = [];

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#start + this.#messages.length - this.#dropped;
  }

  at(offset: number): StoredMessage | undefined {
    return this.#messages[offset - this.#start + this.#dropped];
  }

  get oldest(): StoredMessage | undefined {
    return this.#messages[this.#dropped];
  }

  append(message: StoredMessage): void {
    this.#messages.push(message);
    for (const wake of this.#readers) wake();
  }

  /** Forgets the oldest one. */
  drop(): void {
    this.#messages[this.#dropped] = undefined;
    this.#dropped += 1;
    this.#start += 1;
    if (this.#dropped < COMPACT_AT || this.#dropped * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#dropped);
    this.#dropped = 0;
  }

  /** The offset of the first message stored at or after a time; the end when there is none. */
  since(time: number): number {
    for (let offset = this.#start; offset < this.end; offset += 1) {
      if ((this.at(offset)?.storedAt ?? 0) >= time) return offset;
    }
    return this.end;
  }

  /** @returns what ends it */
  onAppend(wake: () => void): () => void {
    this.#readers.push(wake);
    return () => {
      const index = this.#readers.indexOf(wake);
      if (index >= 0) this.#readers.splice(index, 1);
    };
  }
}
