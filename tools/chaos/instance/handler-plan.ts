import { type EventName, idOf } from '../records.js';
import { between, seeded, seedOf } from '../random.js';
import type { HandlerLoad } from './orders.js';

/** What one attempt does. */
export interface HandlerPlan {
  readonly ms: number;
  readonly ends: 'handled' | 'failed' | 'refused';
}

/** The same for the same seed, event and attempt, in whichever instance. */
export function planOf(seed: number, event: EventName, attempt: number, load: HandlerLoad): HandlerPlan {
  const random = seeded(seedOf(seed, idOf(event)));
  const [fate, isSlow, length] = [random(), random(), random()];
  const ms = isSlow < load.slowShare ? between(() => length, ...load.slowMs) : length * load.quickMs;
  if (fate < load.refuseShare) return { ms, ends: 'refused' };
  if (attempt === 1 && fate < load.refuseShare + load.failShare) return { ms, ends: 'failed' };
  return { ms, ends: 'handled' };
}
