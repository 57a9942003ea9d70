import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicNow } from '../core/clock.js';

/** How long and how often `eventually` tries. */
export interface EventuallyOptions {
  /** In milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** Between two tries, in milliseconds. @default 20 */
  readonly intervalMs?: number;
}

/**
 * Repeats an assertion until it holds, and resolves with what it returned.
 * @throws Error with the last failure as its cause once `timeoutMs` have passed. An assertion that never ends is waited for.
 */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutMs = 10_000, intervalMs = 20 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = monotonicNow() + timeoutMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (monotonicNow() + intervalMs > deadline) throw didNotHold(timeoutMs, error);
    }
    await sleep(intervalMs);
  }
}

function didNotHold(timeoutMs: number, failure: unknown): Error {
  const last = failure instanceof Error ? failure.message : String(failure);
  return new Error(`Did not hold within ${timeoutMs} ms. Last failure: ${last}`, { cause: failure });
}
