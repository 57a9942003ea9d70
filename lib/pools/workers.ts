import type { Lane } from './lane.js';
import type { Task } from './worker-pool.js';

/** Told what the promise of a run has settled to, and which worker has waited for it. */
export interface RunEnd {
  ended(worker: Worker, result: unknown): void;
  failed(worker: Worker, error: unknown): void;
}

/** Waits for the promise of one task at a time. Used again and again, so that starting a task makes no closures. */
export class Worker {
  /** When it began to wait for the promise. */
  since = 0;

  /** Its neighbours among those that wait for a promise, in the order they began. */
  earlier: Worker | undefined;
  later: Worker | undefined;

  readonly onResolved: (result: unknown) => void;
  readonly onRejected: (error: unknown) => void;

  constructor(
    end: RunEnd,
    public lane: Lane | undefined,
    public task: Task | undefined,
  ) {
    this.onResolved = (result) => end.ended(this, result);
    this.onRejected = (error) => end.failed(this, error);
  }
}

/** The workers of a pool: how many there may be, how many are busy, and which wait for a promise, the oldest first. */
export class Workers {
  readonly #end: RunEnd;

  /** Those without a task, to be used again. With the busy ones they are never more than `limit`. */
  readonly #free: Worker[] = [];
  #limit: number;
  #busy = 0;
  #oldest: Worker | undefined;
  #newest: Worker | undefined;

  /** @throws RangeError unless the limit is an integer of at least 1 */
  constructor(limit: number, end: RunEnd) {
    this.#limit = checked(limit);
    this.#end = end;
  }

  /** How many may be busy at once. */
  get limit(): number {
    return this.#limit;
  }

  /** How many are busy. */
  get busy(): number {
    return this.#busy;
  }

  /** Whether one more may be busy. */
  get hasFree(): boolean {
    return this.#busy < this.#limit;
  }

  /** The one that has been waiting for a promise longest. */
  get oldest(): Worker | undefined {
    return this.#oldest;
  }

  /** @throws RangeError unless the limit is an integer of at least 1 */
  resize(limit: number): void {
    this.#limit = checked(limit);
    this.#free.length = Math.min(this.#free.length, Math.max(0, limit - this.#busy));
  }

  /** One more is busy. What ends synchronously needs no more than this, and `end`. */
  begin(): void {
    this.#busy += 1;
  }

  /** One less is busy. */
  end(): void {
    this.#busy -= 1;
  }

  /** The worker for a task that has begun and returned a promise. */
  hold(lane: Lane, task: Task, since: number): Worker {
    const worker = this.#reused(lane, task) ?? new Worker(this.#end, lane, task);
    worker.since = since;
    worker.earlier = this.#newest;
    if (this.#newest === undefined) this.#oldest = worker;
    else this.#newest.later = worker;
    this.#newest = worker;
    return worker;
  }

  /** The promise has settled; the task is still busy until `end`. */
  release(worker: Worker): void {
    const { earlier, later } = worker;
    if (earlier === undefined) this.#oldest = later;
    else earlier.later = later;
    if (later === undefined) this.#newest = earlier;
    else later.earlier = earlier;

    worker.earlier = undefined;
    worker.later = undefined;
    worker.lane = undefined;
    worker.task = undefined;
    if (this.#busy + this.#free.length <= this.#limit) this.#free.push(worker);
  }

  /** The lanes of those that wait for a promise, the oldest first. */
  eachHeld(visit: (lane: Lane) => void): void {
    for (let worker = this.#oldest; worker !== undefined; worker = worker.later) {
      if (worker.lane !== undefined) visit(worker.lane);
    }
  }

  #reused(lane: Lane, task: Task): Worker | undefined {
    const worker = this.#free.pop();
    if (worker === undefined) return undefined;

    worker.lane = lane;
    worker.task = task;
    return worker;
  }
}

function checked(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw new RangeError(`A pool needs a whole number of workers, at least 1, got ${limit}.`);
}
