import { RetryLaterError, UnrecoverableError } from './handler.errors.js';

/** When a failed attempt is followed by another. */
export interface RetryOptions {
  /** How often a handler is run for one event, the first time included. @default 10 */
  readonly maxAttempts: number;
  /** Wait before the second attempt, in milliseconds. @default 100 */
  readonly initialDelayMs: number;
  /** Each further wait is this many times the one before. @default 2 */
  readonly multiplier: number;
  /** Longest wait, in milliseconds; also the longest that `RetryLaterError` can ask for. @default 30000 */
  readonly maxDelayMs: number;
  /** Share of each wait that is random, from 0 to 1: 0.2 means 80 % to 120 % of it. @default 0.2 */
  readonly jitter: number;
}

export const DEFAULT_RETRY_OPTIONS: RetryOptions = {
  maxAttempts: 10,
  initialDelayMs: 100,
  multiplier: 2,
  maxDelayMs: 30_000,
  jitter: 0.2,
};

/**
 * Milliseconds to wait after the given failed attempt (counted from 1), or undefined to give up.
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function nextDelay(attempt: number, options: RetryOptions, random: number): number | undefined {
  if (attempt >= options.maxAttempts) return undefined;
  const delay = Math.min(options.initialDelayMs * options.multiplier ** (attempt - 1), options.maxDelayMs);
  return Math.min(delay * (1 + options.jitter * (2 * random - 1)), options.maxDelayMs);
}

/** One attempt that has failed. */
export interface FailedAttempt {
  readonly error: unknown;
  /** Counted from 1. */
  readonly attempt: number;
  /** Whether the handler's own code was reached: a refusal before that is for good. */
  readonly entered: boolean;
}

/**
 * Milliseconds to wait before an event is tried again, or undefined to give up: after the last attempt, after an `UnrecoverableError`, and after
 * a permanent refusal by a guard or a pipe.
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function delayAfter(failed: FailedAttempt, options: RetryOptions, random: number): number | undefined {
  const { error, attempt, entered } = failed;
  if (error instanceof UnrecoverableError || (!entered && isPermanentRefusal(error))) return undefined;
  if (!(error instanceof RetryLaterError)) return nextDelay(attempt, options, random);
  if (attempt >= options.maxAttempts) return undefined;
  return Math.min(Math.max(error.delayMs, 0) || 0, options.maxDelayMs);
}

/**
 * The same for events that are never given up on, those on `dead.…` topics: after what would be the end, and after every attempt
 * beyond, the longest wait.
 */
export function endlessDelayAfter(failed: FailedAttempt, options: RetryOptions, random: number): number {
  return (
    delayAfter(failed, options, random) ??
    Math.min(options.maxDelayMs * (1 - options.jitter * random), options.maxDelayMs)
  );
}

/** 4xx that say nothing about the event: time-out, conflict, locked, too early, too many requests. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 423, 425, 429]);

/** Whether it is a 4xx HttpException, by its shape, that trying again cannot mend. */
export function isPermanentRefusal(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && status >= 400 && status < 500 && !PASSING_STATUSES.has(status);
}

/** A status that cannot be read is none: whatever was thrown, by whomever, must not break the one that looks at it. */
function statusOf(error: unknown): number | undefined {
  try {
    if (typeof error !== 'object' || error === null || !('getStatus' in error)) return undefined;
    const { getStatus } = error;
    const status: unknown = typeof getStatus === 'function' ? Reflect.apply(getStatus, error, []) : undefined;
    return typeof status === 'number' ? status : undefined;
  } catch {
    return undefined;
  }
}
