import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import { dataOf, idOf, idPrefix, timeNow } from '../measure/events.js';
import { HeaderBytes, headerText } from './header-bytes.js';

const LETTER_S = 0x73;

/**
 * The fastest confirmed publishing we know how to write by hand: a reply subject a slot, all made beforehand, under one subscription; a confirm is
 * told from a refusal by one byte. No promise an event, no time-out, no order after a failure.
 */
export class BareAckPool {
  readonly #connection: NatsConnection;
  readonly #topic: string;
  readonly #free: Int32Array;
  readonly #replies: string[];
  readonly #idPrefix = idPrefix();
  #freeCount: number;
  #onRoom: (() => void) | undefined;
  #wanted = 0;
  sent = 0;
  confirmed = 0;

  constructor(connection: NatsConnection, topic: string, size = 4_096) {
    this.#connection = connection;
    this.#topic = topic;
    const inbox = `${createInbox()}.`;
    this.#replies = Array.from({ length: size }, (_, slot) => inbox + slot);
    this.#free = Int32Array.from({ length: size }, (_, slot) => slot);
    this.#freeCount = size;
    connection.subscribe(`${inbox}*`, {
      callback: (_error, { subject, data }) => {
        if (data[2] === LETTER_S) this.confirmed += 1;
        this.#free[this.#freeCount++] = Number(subject.slice(inbox.length));
        if (this.#freeCount >= this.#wanted) this.#onRoom?.();
      },
    });
  }

  /** Sends as many as there are slots for, and resolves when half of them are free again. */
  async fill(most: number, bytes = 100): Promise<void> {
    const count = Math.min(most, this.#freeCount);
    for (let i = 0; i < count; i++) this.#send(bytes);
    await this.#room(this.#replies.length / 2);
  }

  /** Resolves when everything is confirmed. */
  drain(): Promise<void> {
    return this.#room(this.#replies.length);
  }

  #send(bytes: number): void {
    const n = this.sent++;
    const data = dataOf(n, { bytes });
    const slot = this.#free[--this.#freeCount] ?? 0;
    const id = idOf(this.#idPrefix, n);
    this.#connection.publish(this.#topic, JSON.stringify(data), {
      reply: this.#replies[slot] ?? '',
      headers: new HeaderBytes(headerText(this.#topic, { id, key: data.key, time: timeNow() })),
    });
  }

  async #room(wanted: number): Promise<void> {
    if (this.#freeCount >= wanted) return new Promise((resolve) => setImmediate(resolve));
    this.#wanted = wanted;
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve;
    });
    this.#onRoom = undefined;
  }
}
