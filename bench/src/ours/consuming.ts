import { setTimeout as sleep } from 'node:timers/promises';
import type { MeteredOracle } from '../measure/metered-oracle.js';
import type { Oracle } from '../measure/oracle.js';
import type { Handle } from './bus.js';

/** Looks at an event and does nothing else. */
export function noOp(oracle: Oracle): Handle {
  return (data, event) => {
    oracle.take(data, event.key);
  };
}

/** The same as a promise, as most handlers are. */
export function asyncNoOp(oracle: Oracle): Handle {
  return async (data, event) => oracle.take(data, event.key);
}

/** Takes `ms` as waiting for a database would, and keeps how long it was in truth. */
export function slow(oracle: Oracle, ms: number): { readonly handle: Handle; readonly times: HandlerTimes } {
  const times = new HandlerTimes();
  const handle: Handle = async (data, event) => {
    oracle.begin();
    const since = performance.now();
    await sleep(ms);
    oracle.take(data, event.key);
    times.add(performance.now() - since);
  };
  return { handle, times };
}

/** How long handlers took. */
export class HandlerTimes {
  #total = 0;
  #count = 0;

  add(ms: number): void {
    this.#total += ms;
    this.#count += 1;
  }

  /** What was reached, of what `workers` that never waited would reach. */
  extra(
    { meter, handled }: MeteredOracle,
    workers: number,
  ): { readonly meanHandlerMs: number; readonly ofTheory: number } {
    const meanHandlerMs = this.#total / this.#count;
    const perSecond = handled / meter.seconds;
    return { meanHandlerMs, ofTheory: perSecond / ((workers * 1_000) / meanHandlerMs) };
  }
}
