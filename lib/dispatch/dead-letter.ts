import type { Delivery } from '../transport/transport.js';

/** An event given up on: what is stored of it. */
export interface DeadLetter {
  readonly delivery: Delivery;
  readonly group: string;
  /** `Class.method`, or `none` when no handler was reached. */
  readonly handler: string;
  /** The event's id, where it could be read. */
  readonly eventId: string | undefined;
  readonly eventType: string | undefined;
  /** The event's key, where it could be read. */
  readonly key: string | undefined;
  readonly attempts: number;
  readonly error: Error;
  /** When it was given up on, milliseconds since the epoch. */
  readonly time: number;
}

/** Where dead letters go. Given to the dispatcher by the module: it publishes through reserved slots of the ACK pool. */
export interface DeadLetterPort {
  /** Resolves when the broker has confirmed it. Rejects when this try failed: the dispatcher tries again. */
  store(letter: DeadLetter): Promise<void>;
}
