import { setTimeout as sleep } from 'node:timers/promises';

/** How long and how often `eventually` tries. */
export interface EventuallyOptions {
  /** Patience for a slow machine, not a promise. @default 30_000 */
  readonly timeoutMs?: number;
  /** @default 20 */
  readonly intervalMs?: number;
}

/**
 * Repeats an assertion until it holds, and resolves with what it returned.
 * @throws Error with the last failure as its cause once `timeoutMs` have passed, also when the assertion itself hangs
 */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutMs = 30_000, intervalMs = 20 }: EventuallyOptions = {},
): Promise<T> {
  const started = Date.now();
  let failure: unknown = new Error('the assertion never ended');
  let tries = 0;

  for (;;) {
    tries += 1;
    const left = Math.max(0, started + timeoutMs - Date.now());
    try {
      const outcome = await within(left, assertion);
      if (outcome.ended) return outcome.value;
    } catch (error) {
      failure = error;
    }
    if (Date.now() + intervalMs - started > timeoutMs) break;
    await sleep(intervalMs);
  }
  const last = failure instanceof Error ? failure.message : String(failure);
  throw new Error(`Did not hold within ${timeoutMs} ms (tried ${tries} times). Last failure: ${last}`, {
    cause: failure,
  });
}

type Outcome<T> = { readonly ended: true; readonly value: T } | { readonly ended: false };

async function within<T>(ms: number, assertion: () => T | Promise<T>): Promise<Outcome<T>> {
  const timer = new AbortController();
  const timeout = sleep(ms, { ended: false } as const, { signal: timer.signal });
  timeout.catch(() => undefined);
  const attempt = (async (): Promise<Outcome<T>> => ({ ended: true, value: await assertion() }))();
  try {
    return await Promise.race([attempt, timeout]);
  } finally {
    timer.abort();
  }
}
