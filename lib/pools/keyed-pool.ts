import { LanePool } from './lane-pool.js';
import type { Task, WorkerPool } from './worker-pool.js';

/**
 * Runs the tasks of one lane one after another, in the order they came in, and those of different lanes side by side.
 * There is exactly one lane per string, for as long as one of its tasks runs or waits: two keys never share one.
 */
export class KeyedWorkerPool extends LanePool implements WorkerPool {
  /** Takes a task in, into a lane, or on its own: then it runs beside all others. */
  submit(task: Task, lane?: string): void {
    this.take(task, lane);
  }

  /** How many tasks of a lane wait, the one that runs not counted. It costs the same however many there are. */
  waitingIn(lane: string): number {
    return this.laneOf(lane)?.waiting ?? 0;
  }
}
