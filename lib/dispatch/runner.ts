import { diagnostics } from '../core/diagnostics.js';
import { lookable, toError } from '../core/errors.js';
import type { BusLogger } from '../core/logger.js';
import { isDeadTopic } from '../core/pattern.js';
import type { Codec } from '../envelope/codec.js';
import { EventContext } from '../handlers/event-context.js';
import { delayAfter, endlessDelayAfter } from '../handlers/retry-policy.js';
import type { Attempt, AttemptEnd } from './attempt.js';
import type { RunningAttempts } from './attempts.js';
import type { DeadLetter } from './dead-letter.js';
import { handlerlessLetterOf, letterOf } from './dead-letter.facts.js';
import type { DeadLetters } from './dead-letters.js';
import { HeldUp } from './held-up.js';
import { PendingLetter } from './delivery-task.js';
import type { DeliveryTask, Next } from './delivery-task.js';
import type { HandlerTask, RunStage } from './handler-task.js';
import type { Overlaps } from './overlaps.js';
import type { OwnedSource } from './owned-source.js';
import { announceRetry, publishEnd } from './run-diagnostics.js';
import type { Settler } from './settler.js';
import type { Totals } from './totals.js';

/** How long to wait until a lease that nothing has renewed is looked at again, in milliseconds. */
const UNSURE_WAIT_MS = 50;

/** What running needs. */
export interface RunnerOptions {
  readonly bus: string;
  readonly codec: Codec;
  readonly settler: Settler;
  readonly deadLetters: DeadLetters;
  readonly totals: Totals;
  readonly overlaps: Overlaps;
  readonly logger: BusLogger;
  readonly now: () => number;
  readonly random: () => number;
  /** Where asynchronous attempts are followed, given whom to tell of their end. */
  readonly attempts: (end: AttemptEnd) => RunningAttempts;
}

/** What decoding a body comes to. */
type Decoded = { readonly data: unknown } | { readonly error: Error };

/**
 * The run stage: decode the body, invoke the handler, see how it ended. A success ends the task; a failure is followed by another attempt, or by
 * a dead letter, which ends it once it is stored. The outcome of one handler concerns no other.
 */
export class Runner implements RunStage, AttemptEnd {
  readonly attempts: RunningAttempts;
  readonly heldUp: HeldUp;
  readonly #options: RunnerOptions;

  /** Tasks whose dead letter is being stored right now. */
  readonly #storing = new Set<DeliveryTask>();

  /** Told of every task that is dropped, while somebody wants to know. */
  #onDropped: ((task: DeliveryTask) => void) | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.attempts = options.attempts(this);
    this.heldUp = new HeldUp(options.now);
  }

  /** Handlers of a source that run right now; not those that were given up on. */
  running(owned: OwnedSource): Attempt[] {
    return this.attempts.list().filter(({ task, isGivenUp }) => task?.inFlight.owned === owned && !isGivenUp);
  }

  /** Tasks of a source whose dead letter is being stored right now. */
  storing(owned: OwnedSource): DeliveryTask[] {
    return [...this.#storing].filter(({ inFlight }) => inFlight.owned === owned);
  }

  run(task: HandlerTask): Next | Promise<Next> {
    if (task.inFlight.isUndecodable) return this.#done(task);
    const decoded = this.#decode(task);
    if ('error' in decoded) return this.#undecodable(task, decoded.error);

    task.attempt += 1;
    const context = contextOf(task);
    const since = diagnostics.dispatch.hasSubscribers ? this.#options.now() : 0;
    let promise: Promise<unknown> | undefined;
    try {
      promise = asPromise(task.registration.invoke(decoded.data, context));
    } catch (error) {
      return this.failed(task, error, context, since);
    }
    return promise === undefined ? this.handled(task, since) : this.attempts.follow(task, context, promise);
  }

  handled(task: HandlerTask, since: number): undefined {
    this.#options.totals.handled += 1;
    this.#publishEnd(task, since, 'handled');
    return this.#done(task);
  }

  failed(task: HandlerTask, thrown: unknown, context: EventContext, since: number): Next | Promise<Next> {
    const error = lookable(thrown);
    const { owned, isSettled } = task.inFlight;
    this.#publishEnd(task, since, 'failed');
    if (isSettled) return this.#failedForGood(task, toError(error));
    if (owned.phase === 'stopped' || owned.phase === 'lost') return this.#abandon(task);

    const delayMs = this.#delayAfter(task, error, context.entered);
    if (delayMs === undefined) return this.giveUp(task, letterOf(task, toError(error)));
    this.#options.totals.retried += 1;
    this.heldUp.add(task);
    announceRetry(this.#options.bus, this.#options.logger, task, { delayMs, error });
    return delayMs;
  }

  givenUp(task: HandlerTask, error: Error): Next | Promise<Next> {
    const { owned, isSettled } = task.inFlight;
    if (owned.phase === 'owned' || owned.phase === 'revoking') this.#options.overlaps.note('timeout', task);
    if (isSettled) return this.#failedForGood(task, error);
    if (owned.phase === 'stopped' || owned.phase === 'lost') return this.#abandon(task);
    return this.giveUp(task, letterOf(task, error));
  }

  endedLate(task: HandlerTask): void {
    const { name: handler } = task.registration;
    const { topic, id: eventId } = task.envelope;
    this.#options.totals.endedLate += 1;
    this.#options.logger.log('A handler has ended after it was given up on.', { handler, topic, eventId });
  }

  /** The event becomes a dead letter; the task ends once it is stored. */
  giveUp(task: DeliveryTask, letter: DeadLetter): Promise<Next> {
    this.#options.deadLetters.announce(letter);
    task.pending = new PendingLetter(letter);
    return this.storeLetter(task, task.pending);
  }

  async storeLetter(task: DeliveryTask, pending: PendingLetter): Promise<Next> {
    this.#storing.add(task);
    const delayMs = await this.#options.deadLetters.store(pending);
    this.#storing.delete(task);
    if (delayMs === undefined) return this.#done(task);
    this.heldUp.add(task);
    return delayMs;
  }

  unsure(task: DeliveryTask): Next {
    this.heldUp.add(task);
    return UNSURE_WAIT_MS;
  }

  /** What has failed before is still held up. */
  sureAgain(task: DeliveryTask): void {
    if (task.attempt === 0 && task.pending === undefined) this.heldUp.remove(task);
  }

  dropped(task: DeliveryTask): void {
    this.#onDropped?.(task);
    if (task.pending !== undefined) this.#options.deadLetters.forget(task.pending);
    if (!task.isOver) this.#abandon(task);
  }

  /** What is dropped while `drop` runs. */
  droppedBy(drop: () => void): DeliveryTask[] {
    const dropped: DeliveryTask[] = [];
    this.#onDropped = (task) => void dropped.push(task);
    drop();
    this.#onDropped = undefined;
    return dropped;
  }

  #done(task: DeliveryTask): undefined {
    task.isOver = true;
    if (task.heldUpSince !== undefined) this.heldUp.remove(task);
    this.#options.settler.done(task.inFlight);
    return undefined;
  }

  #abandon(task: DeliveryTask): undefined {
    task.isOver = true;
    if (task.heldUpSince !== undefined) this.heldUp.remove(task);
    this.#options.settler.abandon(task.inFlight);
    return undefined;
  }

  /** A handler on `dead.…` gets the bytes themselves when they cannot be decoded: they may be there for that very reason. */
  #decode(task: HandlerTask): Decoded {
    const { message } = task.inFlight.delivery;
    try {
      return { data: this.#options.codec.decode(message, task.envelope) };
    } catch (error) {
      return isDeadTopic(message.topic) ? { data: message.body } : { error: toError(error) };
    }
  }

  #undecodable(task: HandlerTask, error: Error): Next | Promise<Next> {
    task.inFlight.isUndecodable = true;
    if (task.inFlight.isSettled) return this.#failedForGood(task, error);
    return this.giveUp(task, handlerlessLetterOf(task.inFlight, error));
  }

  #delayAfter(task: HandlerTask, error: unknown, entered: boolean): number | undefined {
    const { attempt, registration, envelope } = task;
    const delay = isDeadTopic(envelope.topic) ? endlessDelayAfter : delayAfter;
    return delay({ error, attempt, entered }, registration.retry, this.#options.random());
  }

  #publishEnd(task: HandlerTask, since: number, outcome: 'handled' | 'failed'): void {
    if (!diagnostics.dispatch.hasSubscribers) return;
    publishEnd(this.#options.bus, task, { durationMs: since === 0 ? 0 : this.#options.now() - since, outcome });
  }

  /** At-most-once: there is nothing more to be done with it. */
  #failedForGood(task: HandlerTask, error: Error): undefined {
    const { registration, envelope, attempt } = task;
    const { topic, type: eventType, id: eventId } = envelope;
    this.#options.totals.failedAtMostOnce += 1;
    this.#options.logger.warn('An event could not be handled; it was delivered at most once.', {
      topic,
      eventType,
      eventId,
      handler: registration.name,
      attempt,
      error,
      ...(envelope.key === undefined ? {} : { key: envelope.key }),
    });
    return this.#done(task);
  }
}

function contextOf(task: HandlerTask): EventContext {
  const { message, position, redelivered } = task.inFlight.delivery;
  const { envelope, group, attempt } = task;
  return new EventContext({ envelope, message, group, position, redelivered, attempt });
}

function asPromise(value: unknown): Promise<unknown> | undefined {
  if (value instanceof Promise) return value as Promise<unknown>;
  return isThenable(value) ? Promise.resolve(value) : undefined;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
