import { monotonicNow } from '../core/clock.js';
import { LaneRunner } from './lane-runner.js';
import { Lane } from './lane.js';
import { Lanes } from './lanes.js';
import { LiveState } from './live-state.js';
import type { PoolState, Task, WorkerPoolOptions } from './worker-pool.js';

/** What both pools have in common: every task is in a lane. Which one, the pool that extends this one says. */
export abstract class LanePool {
  readonly state: PoolState;

  readonly #lanes = new Lanes();
  readonly #runner: LaneRunner;

  /** @throws RangeError unless `workers` is an integer of at least 1 */
  constructor(options: WorkerPoolOptions) {
    const { now = monotonicNow } = options;
    this.#runner = new LaneRunner(options, now, (lane) => this.#lanes.emptied(lane));
    this.state = new LiveState(this.#runner, this.#lanes);
  }

  discard(origin: object): number {
    return this.#runner.remove((task) => task.origin === origin);
  }

  resize(workers: number): void {
    this.#runner.workers.resize(workers);
    this.#runner.startReady();
  }

  idle(): Promise<void> {
    return this.#runner.idle();
  }

  close(): void {
    this.#runner.close();
    this.#lanes.clear();
  }

  /** Takes a task into the lane of a key, or into one of its own. */
  protected take(task: Task, key: string | undefined): void {
    if (this.#runner.isClosed) return this.#runner.drop(task);

    this.#runner.counts.waiting += 1;
    const lane = key === undefined ? undefined : this.#lanes.get(key);
    if (lane === undefined) return this.#runner.admit(this.#newLane(task, key));

    const isSpare = lane.head === undefined;
    lane.push(task);
    if (!isSpare) return;
    this.#lanes.refilled();
    this.#runner.admit(lane);
  }

  /** The lane of a key; it may be one without a task. */
  protected laneOf(key: string): Lane | undefined {
    return this.#lanes.get(key);
  }

  #newLane(task: Task, key: string | undefined): Lane {
    const lane = new Lane(this.#runner.ready.group(task.group), key, task);
    this.#lanes.add(lane);
    return lane;
  }
}
