import type { Handle, HandleRegister } from '../core/handle-register.js';
import { isDeadTopic } from '../core/pattern.js';
import type { EventContext } from '../handlers/event-context.js';
import { HandlerTimeoutError } from '../handlers/handler.errors.js';
import { Attempt } from './attempt.js';
import type { AttemptEnd } from './attempt.js';
import type { Next } from './delivery-task.js';
import type { HandlerTask } from './handler-task.js';
import type { OwnedSource } from './owned-source.js';

/** How long after its signal a handler with `onTimeout: 'dead-letter'` is given up on, in milliseconds. */
export const GIVE_UP_AFTER_MS = 30_000;

/** Shortest and longest time between two sweeps, in milliseconds. */
const SWEEP_MS = { least: 5, most: 1_000 };

/** Attempts kept for use again. */
const MOST_SPARE = 512;

/** What the running attempts are watched with. */
export interface AttemptsOptions {
  readonly end: AttemptEnd;
  readonly handles: HandleRegister;
  readonly now: () => number;
  /** The shortest `timeoutMs` of any handler: a quarter of it is the time between two sweeps. */
  readonly shortestTimeoutMs: () => number;
}

/** The asynchronous attempts that run, in the order they began, and one timer that sees to their time-outs; none while nothing runs. */
export class RunningAttempts {
  readonly #options: AttemptsOptions;
  readonly #spare: Attempt[] = [];
  #oldest: Attempt | undefined;
  #newest: Attempt | undefined;
  #sweep: Handle | undefined;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Waits for a handler's promise. */
  follow(task: HandlerTask, context: EventContext, promise: Promise<unknown>): Promise<Next> {
    const attempt = this.#begin(task, context);
    const mayGiveUp = task.registration.onTimeout === 'dead-letter' && !isDeadTopic(task.envelope.topic);
    return mayGiveUp ? attempt.untilEndOrGivenUp(promise) : attempt.untilEnd(promise);
  }

  /** Raises the signals of what runs, of one source or of all. */
  raise(reason: Error, owned?: OwnedSource): void {
    for (const { task, context } of this.list()) {
      if (task !== undefined && (owned === undefined || task.inFlight.owned === owned)) context?.raise(reason);
    }
  }

  /** What runs, oldest first; those that were given up on too. */
  list(): Attempt[] {
    const all: Attempt[] = [];
    for (let attempt = this.#oldest; attempt; attempt = attempt.later) all.push(attempt);
    return all;
  }

  /** Watches nothing any more. */
  close(): void {
    this.#sweep?.closed();
    this.#sweep = undefined;
  }

  #begin(task: HandlerTask, context: EventContext): Attempt {
    const attempt = this.#spare.pop() ?? new Attempt(this.#options.end, (ended) => this.#remove(ended));
    attempt.begin(task, context, this.#options.now());
    attempt.earlier = this.#newest;
    if (this.#newest === undefined) this.#oldest = attempt;
    else this.#newest.later = attempt;
    this.#newest = attempt;
    this.#sweep ??= this.#startSweeping();
    return attempt;
  }

  #remove(attempt: Attempt): void {
    const { earlier, later } = attempt;
    if (earlier === undefined) this.#oldest = later;
    else earlier.later = later;
    if (later === undefined) this.#newest = earlier;
    else later.earlier = earlier;
    attempt.clear();
    if (this.#spare.length < MOST_SPARE) this.#spare.push(attempt);
  }

  #startSweeping(): Handle {
    const quarter = this.#options.shortestTimeoutMs() / 4;
    const everyMs = Math.min(Math.max(quarter, SWEEP_MS.least), SWEEP_MS.most);
    return this.#options.handles.interval('handler time-outs', () => this.#sweepOnce(), everyMs);
  }

  #sweepOnce(): void {
    if (this.#oldest === undefined) return this.close();
    const now = this.#options.now();
    for (const attempt of this.list()) this.#check(attempt, now);
  }

  #check(attempt: Attempt, now: number): void {
    const { task, context, signalledAt } = attempt;
    if (task === undefined || context === undefined || attempt.isGivenUp) return;

    const { name, timeoutMs, onTimeout } = task.registration;
    if (signalledAt !== undefined) {
      if (onTimeout === 'wait' || now - signalledAt < GIVE_UP_AFTER_MS) return;
      return attempt.giveUp(new HandlerTimeoutError(name, timeoutMs));
    }
    if (now - attempt.since < timeoutMs) return;
    attempt.signalledAt = now;
    context.raise(new HandlerTimeoutError(name, timeoutMs));
  }
}
