import type { Task, WorkerPoolOptions } from './worker-pool.js';

/** Calls tasks so that nothing they throw gets into a pool: it goes to `onDefect`. */
export class GuardedCalls {
  readonly #onDefect: WorkerPoolOptions['onDefect'];

  constructor(onDefect: WorkerPoolOptions['onDefect']) {
    this.#onDefect = onDefect;
  }

  /** What `isCurrent` answers; false when it throws. */
  isCurrent(task: Task): boolean {
    try {
      return task.isCurrent();
    } catch (error) {
      this.report(error, task);
      return false;
    }
  }

  /** What `run` returns; undefined when it throws. */
  run(task: Task): unknown {
    try {
      return task.run();
    } catch (error) {
      this.report(error, task);
      return undefined;
    }
  }

  dropped(task: Task): void {
    try {
      task.dropped();
    } catch (error) {
      this.report(error, task);
    }
  }

  /** In a microtask, so that nothing `onDefect` does can come between a task and the end of its turn. */
  report(error: unknown, task: Task): void {
    queueMicrotask(() => this.#onDefect(error, task));
  }
}
