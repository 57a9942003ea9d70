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
