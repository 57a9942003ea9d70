import type { EventContext } from '../handlers/event-context.js';
import type { Next } from './delivery-task.js';
import type { HandlerTask } from './handler-task.js';

/** What follows the end of an attempt. */
export interface AttemptEnd {
  handled(task: HandlerTask, since: number): Next;
  failed(task: HandlerTask, error: unknown, context: EventContext, since: number): Next | Promise<Next>;
  /** It still runs, but nobody waits for it any more. */
  givenUp(task: HandlerTask, error: Error): Next | Promise<Next>;
  /** What was given up on has ended, one way or another. */
  endedLate(task: HandlerTask): void;
}

/** One asynchronous run of a handler. Used again and again, so that following a promise makes no closures. */
export class Attempt {
  task: HandlerTask | undefined;
  context: EventContext | undefined;

  /** When it began, on the monotonic clock. */
  since = 0;

  /** When its signal was raised because it took too long. */
  signalledAt: number | undefined;
  isGivenUp = false;

  /** Its neighbours among those that run, in the order they began. */
  earlier: Attempt | undefined;
  later: Attempt | undefined;

  /** Lets the pool go on without the handler; only where it may be given up on. */
  #goOn: ((next: Next | Promise<Next>) => void) | undefined;
  readonly #onResolved: () => Next;
  readonly #onRejected: (error: unknown) => Next | Promise<Next>;

  /** @param leave takes it out of those that run, and clears it */
  constructor(
    private readonly end: AttemptEnd,
    private readonly leave: (attempt: Attempt) => void,
  ) {
    this.#onResolved = () => this.#resolved();
    this.#onRejected = (error) => this.#rejected(error);
  }

  begin(task: HandlerTask, context: EventContext, since: number): void {
    this.task = task;
    this.context = context;
    this.since = since;
  }

  /** For use again. */
  clear(): void {
    this.task = undefined;
    this.context = undefined;
    this.signalledAt = undefined;
    this.isGivenUp = false;
    this.earlier = undefined;
    this.later = undefined;
    this.#goOn = undefined;
  }

  untilEnd(promise: Promise<unknown>): Promise<Next> {
    return promise.then(this.#onResolved, this.#onRejected);
  }

  untilEndOrGivenUp(promise: Promise<unknown>): Promise<Next> {
    return new Promise((resolve, reject) => {
      this.#goOn = resolve;
      this.untilEnd(promise).then(resolve, reject);
    });
  }

  /** Nobody waits for it any more. */
  giveUp(error: Error): void {
    const { task } = this;
    if (task === undefined || this.#goOn === undefined) return;
    this.isGivenUp = true;
    this.#goOn(this.end.givenUp(task, error));
  }

  #resolved(): Next {
    const { task, since, isGivenUp } = this;
    this.leave(this);
    if (task === undefined) return undefined;
    if (!isGivenUp) return this.end.handled(task, since);
    this.end.endedLate(task);
    return undefined;
  }

  #rejected(error: unknown): Next | Promise<Next> {
    const { task, context, since, isGivenUp } = this;
    this.leave(this);
    if (task === undefined || context === undefined) return undefined;
    if (!isGivenUp) return this.end.failed(task, error, context, since);
    this.end.endedLate(task);
    return undefined;
  }
}
