import type { BackoffTimer } from './backoff-timer.js';
import type { Lanes } from './lanes.js';
import type { PoolState, Task } from './worker-pool.js';
import type { Workers } from './workers.js';

/** What a pool counts as its tasks come and go. */
export class Counts {
  waiting = 0;
  completed = 0;
  dropped = 0;
  saturatedSince: number | undefined;
}

/** Where the figures of a pool are kept anyway. */
interface Figures {
  readonly counts: Counts;
  readonly workers: Workers;
  readonly backoff: BackoffTimer;
}

/** A pool's state, looked up when it is read, so that keeping it up to date costs the tasks nothing. */
export class LiveState implements PoolState {
  readonly #figures: Figures;
  readonly #lanes: Lanes;

  constructor(figures: Figures, lanes: Lanes) {
    this.#figures = figures;
    this.#lanes = lanes;
  }

  get workers(): number {
    return this.#figures.workers.limit;
  }

  get running(): number {
    return this.#figures.workers.busy;
  }

  get waiting(): number {
    return this.#figures.counts.waiting;
  }

  get backingOff(): number {
    return this.#figures.backoff.size;
  }

  get keys(): number {
    return this.#lanes.size;
  }

  get saturatedSince(): number | undefined {
    return this.#figures.counts.saturatedSince;
  }

  get completed(): number {
    return this.#figures.counts.completed;
  }

  get dropped(): number {
    return this.#figures.counts.dropped;
  }

  get oldestRunningSince(): number | undefined {
    return this.#figures.workers.oldest?.since;
  }

  get oldestRunning(): Task | undefined {
    return this.#figures.workers.oldest?.task;
  }
}
