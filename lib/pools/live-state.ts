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

/** Where the figures are kept anyway. */
interface Parts {
  readonly counts: Counts;
  readonly workers: Workers;
  readonly backoff: BackoffTimer;
  readonly lanes: Lanes;
}

/** A pool's state, looked up when it is read, so that keeping it up to date costs the tasks nothing. */
export class LiveState implements PoolState {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get workers(): number {
    return this.#parts.workers.limit;
  }

  get running(): number {
    return this.#parts.workers.busy;
  }

  get waiting(): number {
    return this.#parts.counts.waiting;
  }

  get backingOff(): number {
    return this.#parts.backoff.size;
  }

  get keys(): number {
    return this.#parts.lanes.size;
  }

  get saturatedSince(): number | undefined {
    return this.#parts.counts.saturatedSince;
  }

  get completed(): number {
    return this.#parts.counts.completed;
  }

  get dropped(): number {
    return this.#parts.counts.dropped;
  }

  get oldestRunningSince(): number | undefined {
    return this.#parts.workers.oldest?.since;
  }

  get oldestRunning(): Task | undefined {
    return this.#parts.workers.oldest?.task;
  }
}
