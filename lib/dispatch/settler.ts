import { diagnostics } from '../core/diagnostics.js';
import type { Delivery } from '../transport/transport.js';
import type { CreditBook } from './credit.js';
import type { InFlight } from './in-flight.js';
import type { Totals } from './totals.js';

/** How deliveries are settled: the transport's part. */
export interface Settlement {
  /** Done for good. Synchronous, and may be called before `deliver` has returned. */
  settle(delivery: Delivery): void;
  /** Settles these and resolves when the broker has answered; rejects when it has not. */
  settleBefore(deliveries: readonly Delivery[]): Promise<void>;
}

/** What settling needs. */
export interface SettlerOptions {
  readonly bus: string;
  readonly settlement: Settlement;
  readonly credit: CreditBook;
  readonly totals: Totals;
}

/** The last stage: a delivery leaves our hands when the last of its handlers has ended, settled unless one was dropped. */
export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** One handler has ended for good: it succeeded, or its dead letter is stored. */
  done(inFlight: InFlight): void {
    inFlight.remaining -= 1;
    if (inFlight.remaining === 0) this.#finish(inFlight);
  }

  /** One handler will not run to its end. */
  abandon(inFlight: InFlight): void {
    inFlight.isAbandoned = true;
    this.done(inFlight);
  }

  /** None of its handlers will run. */
  abandonAll(inFlight: InFlight): void {
    inFlight.remaining = 1;
    this.abandon(inFlight);
  }

  #finish(inFlight: InFlight): void {
    const { owned, delivery, isAbandoned, isSettled } = inFlight;
    if (isAbandoned && isSettled) this.#options.totals.droppedAtMostOnce += 1;
    try {
      if (!isAbandoned && !isSettled && owned.phase !== 'lost') this.#settle(delivery);
    } finally {
      this.#options.credit.giveBack(owned, delivery.sizeBytes, inFlight.lane);
    }
  }

  #settle(delivery: Delivery): void {
    this.#options.settlement.settle(delivery);
    if (!diagnostics.settle.hasSubscribers) return;
    diagnostics.settle.publish({ bus: this.#options.bus, group: delivery.source.group, topic: delivery.message.topic });
  }
}
