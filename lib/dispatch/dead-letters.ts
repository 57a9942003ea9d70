import { diagnostics } from '../core/diagnostics.js';
import { toError } from '../core/errors.js';
import type { BusLogger, LogFields } from '../core/logger.js';
import { nextDelay } from '../handlers/retry-policy.js';
import type { DeadLetter, DeadLetterPort } from './dead-letter.js';
import type { Next, PendingLetter } from './delivery-task.js';
import type { Totals } from './totals.js';

/** Waits between tries to store a dead letter: without end, for nothing else can be done with it. */
const STORE_RETRY = {
  maxAttempts: Number.POSITIVE_INFINITY,
  initialDelayMs: 100,
  multiplier: 2,
  maxDelayMs: 30_000,
  jitter: 0.2,
};

/** What storing needs. */
export interface DeadLettersOptions {
  readonly bus: string;
  readonly port: DeadLetterPort;
  readonly totals: Totals;
  readonly logger: BusLogger;
  readonly now: () => number;
  readonly random: () => number;
}

/** Gives events up: stores them, as often as it takes, and knows since when that fails. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  /** Letters whose last try failed, and who are not stored or dropped yet. */
  readonly #failing = new Set<PendingLetter>();
  #failingSince: number | undefined;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** Since when dead letters cannot be stored, on the monotonic clock; undefined when they can, or when there is none to store. */
  get failingSince(): number | undefined {
    return this.#failingSince;
  }

  /** The decision: from here on the event is a dead letter. */
  announce(letter: DeadLetter): void {
    this.#options.logger.warn('An event is given up on and becomes a dead letter.', fieldsOf(letter));
  }

  /** One try. Resolves to undefined when the broker has it, else to the wait before the next try, in milliseconds; never rejects. */
  async store(pending: PendingLetter): Promise<Next> {
    try {
      await this.#options.port.store(pending.letter);
    } catch (error) {
      return this.#failed(pending, toError(error));
    }
    this.#stored(pending);
    return undefined;
  }

  /** Nobody tries to store it any more: its source was lost. */
  forget(pending: PendingLetter): void {
    this.#failing.delete(pending);
    if (this.#failing.size === 0) this.#failingSince = undefined;
  }

  #stored(pending: PendingLetter): void {
    this.#options.totals.deadLettersStored += 1;
    this.#publish(pending.letter, true);
    this.#failing.delete(pending);
    if (this.#failingSince === undefined) return;
    this.#failingSince = undefined;
    this.#options.logger.log('Dead letters can be stored again.');
  }

  #failed(pending: PendingLetter, error: Error): number {
    const { totals, logger, now, random } = this.#options;
    totals.deadLettersFailed += 1;
    pending.failures += 1;
    pending.error = error;
    this.#failing.add(pending);
    if (pending.failures === 1) this.#publish(pending.letter, false);
    if (this.#failingSince === undefined) {
      this.#failingSince = now();
      logger.error('A dead letter cannot be stored; its event stays in flight and it is tried again.', {
        ...fieldsOf(pending.letter),
        error,
      });
    }
    return nextDelay(pending.failures, STORE_RETRY, random()) ?? STORE_RETRY.maxDelayMs;
  }

  #publish(letter: DeadLetter, stored: boolean): void {
    if (!diagnostics.deadLetter.hasSubscribers) return;
    const { group, eventId, handler, attempts, error, delivery } = letter;
    const { topic } = delivery.message;
    diagnostics.deadLetter.publish({
      bus: this.#options.bus,
      group,
      topic,
      eventId,
      handler,
      attempts,
      stored,
      error,
    });
  }
}

function fieldsOf(letter: DeadLetter): LogFields {
  const { group, eventId, eventType, key, handler, attempts, error, delivery } = letter;
  return {
    topic: delivery.message.topic,
    group,
    handler,
    attempt: attempts,
    position: delivery.position,
    ...(eventId === undefined ? {} : { eventId }),
    ...(eventType === undefined ? {} : { eventType }),
    ...(key === undefined ? {} : { key }),
    error,
  };
}
