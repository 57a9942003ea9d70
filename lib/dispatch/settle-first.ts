import type { Handle, HandleRegister } from '../core/handle-register.js';
import { toError } from '../core/errors.js';
import type { BusLogger } from '../core/logger.js';
import { nextDelay } from '../handlers/retry-policy.js';
import type { InFlight } from './in-flight.js';
import type { OwnedSource } from './owned-source.js';
import type { Settlement, Settler } from './settler.js';

/** Waits between tries to settle a batch, without end while its source is ours. */
const SETTLE_RETRY = {
  maxAttempts: Number.POSITIVE_INFINITY,
  initialDelayMs: 50,
  multiplier: 2,
  maxDelayMs: 5_000,
  jitter: 0.2,
};

/** What settling beforehand needs. */
export interface SettleFirstOptions {
  readonly owned: OwnedSource;
  readonly settlement: Settlement;
  readonly settler: Settler;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  readonly random: () => number;
  /** Where what is settled goes on to. */
  readonly submit: (inFlight: InFlight) => void;
}

/**
 * At-most-once, for one source: what came in during a turn of the event loop is settled together, one batch after another, and goes on only when
 * the broker has answered. A batch whose settle failed is tried again, and nothing of it runs before.
 */
export class SettleFirst {
  readonly #options: SettleFirstOptions;

  /** Came in, and belongs to no batch yet. */
  #collected: InFlight[] = [];

  /** The batch that is being settled; the next one waits for it. */
  #batch: readonly InFlight[] = [];
  #turn: NodeJS.Immediate | undefined;
  #retry: { readonly timer: NodeJS.Timeout; readonly handle: Handle } | undefined;
  #failures = 0;
  #failure: Error | undefined;
  #isStopped = false;

  constructor(options: SettleFirstOptions) {
    this.#options = options;
  }

  /** Why the last batch could not be settled and waits; undefined when none does. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  add(inFlight: InFlight): void {
    this.#collected.push(inFlight);
    if (this.#batch.length === 0) this.#turn ??= setImmediate(() => this.#next());
  }

  /** What the broker has not been asked to settle is dropped unrun: it will be delivered to another. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    clearImmediate(this.#turn);
    this.#drop(this.#collected);
    this.#collected = [];
    if (this.#retry === undefined) return;
    this.#stopWaiting();
    this.#drop(this.#batch);
    this.#batch = [];
  }

  #next(): void {
    this.#turn = undefined;
    this.#batch = this.#collected;
    this.#collected = [];
    if (this.#batch.length > 0) void this.#settle();
  }

  async #settle(): Promise<void> {
    const batch = this.#batch;
    try {
      await this.#options.settlement.settleBefore(batch.map(({ delivery }) => delivery));
    } catch (error) {
      return this.#failed(toError(error));
    }
    if (this.#failures > 0) this.#options.logger.log(`${this.#name} settles events again.`);
    this.#failures = 0;
    this.#failure = undefined;
    this.#batch = [];
    for (const inFlight of batch) this.#goOn(inFlight);
    this.#next();
  }

  #goOn(inFlight: InFlight): void {
    inFlight.isSettled = true;
    this.#options.submit(inFlight);
  }

  #failed(error: Error): void {
    if (this.#isStopped) return this.#drop(this.#batch);
    this.#failures += 1;
    this.#failure = error;
    if (this.#failures === 1) {
      this.#options.logger.warn(`${this.#name} cannot settle events; they are not run until it can.`, { error });
    }
    const delayMs = nextDelay(this.#failures, SETTLE_RETRY, this.#options.random()) ?? SETTLE_RETRY.maxDelayMs;
    const handle = this.#options.handles.open('timer', `settle of ${this.#name}`);
    this.#retry = { handle, timer: setTimeout(() => this.#again(), delayMs) };
  }

  #again(): void {
    this.#stopWaiting();
    void this.#settle();
  }

  #stopWaiting(): void {
    clearTimeout(this.#retry?.timer);
    this.#retry?.handle.closed();
    this.#retry = undefined;
  }

  #drop(unsettled: readonly InFlight[]): void {
    for (const inFlight of unsettled) this.#options.settler.abandonAll(inFlight);
  }

  get #name(): string {
    return this.#options.owned.source.name;
  }
}
