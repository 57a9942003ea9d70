import { type Load, lanesOf, totalWorkMsOf } from './work.js';

/** How long handlers took as measured: what their timers are late counts as theirs. */
export interface HandlerTime {
  /** Of the key that had the most of it. */
  readonly longestLaneMs: number;
  readonly totalWorkMs: number;
}

/** Adds up what the handlers of each key took. */
export class LaneTimes implements HandlerTime {
  readonly #lanes: Float64Array;

  constructor(keys: number) {
    this.#lanes = new Float64Array(keys);
  }

  add(n: number, ms: number): void {
    this.#lanes[n % this.#lanes.length]! += ms;
  }

  get longestLaneMs(): number {
    return this.#lanes.reduce((most, ms) => Math.max(most, ms), 0);
  }

  get totalWorkMs(): number {
    return this.#lanes.reduce((sum, ms) => sum + ms, 0);
  }
}

/**
 * - least: what the longest lane takes, or all lanes shared out among the workers, whichever is more: no schedule is shorter
 * - overhead: what a run took beyond its least; `overheadDrawnMs` is over the least that was drawn, with timers that are never late
 */
export function overheadOf(
  seconds: number,
  { longestLaneMs, totalWorkMs }: HandlerTime,
  load: Load,
  workers: number,
): Record<string, number> {
  const least = Math.max(longestLaneMs, totalWorkMs / workers);
  const leastDrawn = Math.max(totalWorkMsOf(load) / workers, ...lanesOf(load));
  return {
    overheadMs: seconds * 1_000 - least,
    overheadDrawnMs: seconds * 1_000 - leastDrawn,
    meanHandlerMs: totalWorkMs / load.events,
  };
}
