import type { Attempt } from './attempt.js';
import type { DeliveryTask } from './delivery-task.js';
import { HandlerTask } from './handler-task.js';
import { type Hold, nameOf, stallOf, type StallSnapshot } from './stall.js';

/** Handlers, and keys, that are told of at once; the oldest. When a store of dead letters is away, thousands may be held up by it. */
const MOST_TOLD = 100;

/** When something counts as stalled. */
export interface StallClock {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** The least time without progress, in milliseconds. A task has at least twice its handler's `timeoutMs`. */
  readonly stalledAfterMs: number;
}

/** Handlers that have run for too long, those that were given up on too. */
export function stalledHandlers(attempts: readonly Attempt[], clock: StallClock): Map<object, StallSnapshot> {
  const stalls = new Map<object, StallSnapshot>();
  for (const attempt of attempts) {
    const { task, since } = attempt;
    if (stalls.size === MOST_TOLD) break;
    if (task === undefined || clock.now - since <= thresholdOf(task, clock)) continue;
    stalls.set(task, stallOf('handler', task, since, runningHold(attempt, clock.now)));
  }
  return stalls;
}

/** Keys whose event fails again and again, or cannot be stored as a dead letter. Those that wait for a lease are their source's matter. */
export function stalledKeys(heldUp: Iterable<DeliveryTask>, clock: StallClock): Map<object, StallSnapshot> {
  const stalls = new Map<object, StallSnapshot>();
  for (const task of heldUp) {
    if (stalls.size === MOST_TOLD) break;
    const { heldUpSince: since = clock.now } = task;
    const waitsForLease = task.attempt === 0 && task.pending === undefined;
    if (waitsForLease || clock.now - since <= thresholdOf(task, clock)) continue;
    stalls.set(task, stallOf('key', task, since, heldUpHold(task, clock.now)));
  }
  return stalls;
}

/** A handler that runs, as what holds something up. */
export function runningHold({ task, since, isGivenUp, signalledAt }: Attempt, now: number): Hold {
  if (task === undefined) return { heldBy: 'handler', why: 'a handler runs' };
  const { onTimeout, timeoutMs } = task.registration;
  const waits = onTimeout === 'wait' ? 'lane and worker stay taken until it ends' : 'it is given up on 30 s after that';
  const signal = signalledAt === undefined ? '' : `; its signal was raised after timeoutMs ${timeoutMs}, ${waits}`;
  const after = isGivenUp ? '; it was given up on, and has not ended' : signal;
  return {
    heldBy: 'handler',
    why: `${nameOf(task)}, attempt ${task.attempt}, has been running for ${Math.round(now - since)} ms${after}`,
  };
}

/** An event that does not get on, as what holds something up. */
export function heldUpHold(task: DeliveryTask, now: number): Hold {
  const { pending, heldUpSince = now } = task;
  const forMs = `for ${Math.round(now - heldUpSince)} ms`;
  if (pending?.error !== undefined) {
    const why = `the dead letter of ${nameOf(task)} cannot be stored ${forMs}: ${pending.error.message}`;
    return { heldBy: 'dead-letter', why };
  }
  if (task.inFlight.owned.source.lease() === 'unsure') return leaseHold(task.inFlight.owned.source.name);
  return { heldBy: 'backoff', why: `${nameOf(task)} has failed ${forMs}, ${task.attempt} attempts` };
}

/** Whose source it is, nobody knows. */
export function leaseHold(source: string): Hold {
  return {
    heldBy: 'lease',
    why: `the lease of ${source} has run out and nothing has renewed it: nothing of it starts`,
  };
}

function thresholdOf(task: DeliveryTask, { stalledAfterMs }: StallClock): number {
  return Math.max(stalledAfterMs, task instanceof HandlerTask ? 2 * task.registration.timeoutMs : 0);
}
