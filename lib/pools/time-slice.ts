import type { MonotonicClock } from '../core/clock.js';

/** Starts that a turn of the event loop may have before the slice is measured, and between two measurements. */
const FREE_STARTS = 16;

/**
 * How long one slice may last, in milliseconds. A turn may read thousands of messages off a socket: what it does not start has to be kept until
 * the next, which costs the garbage collector more than all else. Measured on NATS: with 5 ms, events cost half as much CPU again as with 20.
 */
const LONGEST_MS = 20;

/**
 * Lets the event loop have its turn. Tasks that end at once, synchronously or in a microtask, would otherwise be
 * started one after another for as long as there are any, and heartbeats, timers and I/O would wait for all of them.
 */
export class TimeSlice {
  readonly #now: MonotonicClock;
  readonly #onNext: () => void;
  #starts = 0;
  #measuredSince = 0;
  #lastMeasured = 0;
  #isOver = false;

  /** Ends the slice. Set from the first measured start on, so that a turn with few starts costs nothing. */
  #next: NodeJS.Immediate | undefined;

  /** `onNext` is called in the turn after one in which the slice was over. */
  constructor(now: MonotonicClock, onNext: () => void) {
    this.#now = now;
    this.#onNext = onNext;
  }

  /** Whether nothing more is to be started in this turn of the event loop. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The time, good enough to say since when a task runs: within a measured slice it may be that of some starts ago. */
  roughly(): number {
    return this.#next === undefined ? this.#now() : this.#lastMeasured;
  }

  /** Counts one start. */
  count(): void {
    this.#starts += 1;
    if (this.#starts % FREE_STARTS === 0) this.#measure();
  }

  close(): void {
    clearImmediate(this.#next);
    this.#next = undefined;
    this.#starts = 0;
    this.#isOver = false;
  }

  #measure(): void {
    this.#lastMeasured = this.#now();
    if (this.#next === undefined) {
      this.#measuredSince = this.#lastMeasured;
      this.#next = setImmediate(() => this.#renew());
      return;
    }
    this.#isOver = this.#lastMeasured - this.#measuredSince >= LONGEST_MS;
  }

  #renew(): void {
    const wasOver = this.#isOver;
    this.close();
    if (wasOver) this.#onNext();
  }
}
