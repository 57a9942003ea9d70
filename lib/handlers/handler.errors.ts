import { EventBusError } from '../core/errors.js';

/** Thrown by a handler: no further attempt, the event becomes a dead letter at once. */
export class UnrecoverableError extends EventBusError {
  constructor(message = 'The handler cannot ever handle this event.', options: { readonly cause?: unknown } = {}) {
    super('EVENT_BUS_UNRECOVERABLE', message, { cause: options.cause });
  }
}

/** Thrown by a handler: try again after this delay, at most `retry.maxDelayMs`. It counts as an attempt. */
export class RetryLaterError extends EventBusError {
  /** @param delayMs in milliseconds, from 0 */
  constructor(
    readonly delayMs: number,
    message = 'The handler asks to be run again later.',
    options: { readonly cause?: unknown } = {},
  ) {
    super('EVENT_BUS_RETRY_LATER', message, { cause: options.cause, retryable: true });
  }
}

/** Why a signal was raised on time-out, and what a dead letter carries when `onTimeout: 'dead-letter'` gave up. */
export class HandlerTimeoutError extends EventBusError {
  constructor(handler: string, timeoutMs: number) {
    super('EVENT_BUS_HANDLER_TIMEOUT', `${handler} has run for longer than ${timeoutMs} ms.`, { retryable: true });
  }
}

/** Why a signal was raised before the time-out: the source is no longer ours, or a drain has reached its deadline. */
export class HandlerAbortedError extends EventBusError {
  constructor(why: string) {
    super('EVENT_BUS_ABORTED', `The handler is to stop: ${why}.`, { retryable: true });
  }
}
