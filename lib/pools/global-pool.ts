import { LanePool } from './lane-pool.js';
import type { Task, WorkerPool } from './worker-pool.js';

/** Runs tasks in no order: each as soon as its group gets a worker. */
export class GlobalWorkerPool extends LanePool implements WorkerPool {
  /** Takes a task in. A lane means nothing here. */
  submit(task: Task): void {
    this.take(task, undefined);
  }
}
