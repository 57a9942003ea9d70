import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { createInbox } from '@nats-io/transport-node';
import { EventBusError } from '../../core/errors.js';
import { Wire } from './wire.js';

const ACK = '+ACK';

/** The server did not answer a settle in time; it may have taken it. */
export class SettleFailedError extends EventBusError {
  constructor(why: string, cause?: unknown) {
    super('EVENT_BUS_SETTLE_FAILED', `NATS did not answer a settle: ${why}.`, { cause, retryable: true });
  }
}

/** Settles whose answer is waited for. */
interface Batch {
  left: number;
  readonly until: number;
  readonly resolve: () => void;
  readonly reject: (error: EventBusError) => void;
}

/** Acks on their way out: collected during a turn of the event loop and written in one go. */
export class Settles {
  #connection: NatsConnection | undefined;
  #wire: Wire | undefined;
  #waiting: string[] = [];
  #scheduled = false;
  #inbox = '';
  #number = 0;
  /** Number of an ack → its batch. */
  readonly #batches = new Map<number, Batch>();

  constructor(
    private readonly inboxPrefix: string,
    private readonly timeoutMs: number,
    private readonly now: () => number,
  ) {}

  attach(connection: NatsConnection): void {
    this.#connection = connection;
    this.#wire = new Wire(connection);
    this.#inbox = `${createInbox(this.inboxPrefix)}.`;
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => (error === null ? this.#answered(message) : undefined),
    });
    this.flush();
  }

  /** What has not been written waits for the next connection; the server takes an ack from any. */
  detach(error: EventBusError): void {
    this.#connection = undefined;
    this.#wire = undefined;
    this.#rejectBatches(() => true, error);
  }

  /** Settles without an answer. */
  add(reply: string): void {
    this.#waiting.push(reply);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Writes what is collected. */
  flush(): void {
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed()) return;
    const replies = this.#waiting;
    this.#waiting = [];
    this.#wire?.publishToAll(replies, ACK);
  }

  /** Resolves when the server has answered all of them. @throws SettleFailedError */
  confirmed(replies: readonly string[]): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed())
      return Promise.reject(new SettleFailedError('not connected'));
    if (replies.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const batch: Batch = { left: replies.length, until: this.now() + this.timeoutMs, resolve, reject };
      for (const reply of replies) {
        this.#batches.set(++this.#number, batch);
        connection.publish(reply, ACK, { reply: this.#inbox + this.#number.toString(36) });
      }
    });
  }

  /** Rejects what the server has not answered in time. */
  sweep(): void {
    const now = this.now();
    this.#rejectBatches(
      (batch) => batch.until <= now,
      new SettleFailedError(`nothing came within ${this.timeoutMs} ms`),
    );
  }

  #answered(message: Msg): void {
    const number = Number.parseInt(message.subject.slice(this.#inbox.length), 36);
    const batch = this.#batches.get(number);
    if (batch === undefined) return;
    this.#batches.delete(number);
    if (message.data.length === 0 && message.headers?.code === 503)
      return batch.reject(new SettleFailedError('the consumer is gone'));
    batch.left -= 1;
    if (batch.left === 0) batch.resolve();
  }

  #rejectBatches(isDue: (batch: Batch) => boolean, cause: EventBusError): void {
    for (const [number, batch] of this.#batches) {
      if (!isDue(batch)) continue;
      this.#batches.delete(number);
      batch.reject(
        cause instanceof SettleFailedError ? cause : new SettleFailedError('the connection was lost', cause),
      );
    }
  }
}
