import type { MonotonicClock } from '../core/clock.js';

/**
 * One thing to run, as the pools know it. Whoever submits it owns what it means: pools know groups, lanes and workers,
 * nothing of deliveries, handlers or brokers.
 */
export interface Task {
  /**
   * Whose share of the workers it uses. A free worker goes to the group that has something ready and the fewest tasks
   * running; among equals the groups take turns. All tasks of a lane are of one group: the one its first task names.
   */
  readonly group: string;

  /** What it came from, compared by identity: `discard(origin)` removes all waiting tasks of one origin. */
  readonly origin: object;

  /**
   * Asked right before every start, and before a wait that `run` asked for. False: `dropped()` is called instead and
   * the lane goes on. One that throws is reported through `onDefect` and counts as false.
   */
  isCurrent(): boolean;

  /**
   * One attempt. Returns (or resolves to) undefined when the task has ended, or the milliseconds to wait before it is
   * run again: meanwhile it keeps its lane and its place, not a worker. It must not throw or reject: a pool treats that
   * as a defect of the caller, reports it through `onDefect` and ends the task.
   */
  run(): number | undefined | Promise<number | undefined>;

  /**
   * Called once when the task is removed unrun, or while it waits to be run again; neither `run` nor `dropped` is called
   * after it. One that throws is reported through `onDefect`.
   */
  dropped(): void;
}

/**
 * Runs what it is given, at most `workers` tasks at once. Bounding what waits is not its duty: `submit` always takes, and
 * the credit of whoever submits is the bound. Nor is deciding whether to try again: `run` says so.
 *
 * - running: a worker has it and it has not ended
 * - backing off: it waits to be run again
 * - waiting: taken in and neither running nor ended nor dropped; what backs off is waiting too
 * - ready: waiting, and only for a worker
 */
export interface WorkerPool {
  /**
   * Takes a task in; it may be started before this returns. After `close` it is dropped at once.
   *
   * @param lane tasks of one lane run one after another in the order they came in. Without it, and in a pool without
   * lanes, a task waits for nothing but a worker.
   */
  submit(task: Task, lane?: string): void;

  /** Removes and drops the waiting tasks of an origin, at once; running ones are left alone. Returns how many. */
  discard(origin: object): number;

  /**
   * Changes how many tasks may run at once. Upward starts more at once; downward lets the running ones end.
   *
   * @throws RangeError unless it is an integer of at least 1
   */
  resize(workers: number): void;

  /** Always current, and read at no cost: no copy, nothing to refresh. */
  readonly state: PoolState;

  /** Resolves when nothing runs, waits or backs off; at once when that is so now. */
  idle(): Promise<void>;

  /** Drops what waits and clears the timers. What runs ends by itself: `idle()` tells when. Idempotent. */
  close(): void;
}

/** What a pool is doing. All times are those of the pool's clock, in milliseconds. */
export interface PoolState {
  /** How many tasks may run at once. */
  readonly workers: number;

  /** Tasks that run. More than `workers` only after a resize downward, until the surplus has ended. */
  readonly running: number;

  /** Tasks that wait, for a worker, for their lane or for their next attempt. */
  readonly waiting: number;

  /** Of those waiting, how many wait to be run again. */
  readonly backingOff: number;

  /** Lanes that have a task; 0 in a pool without lanes. */
  readonly keys: number;

  /** Since when all workers are busy while something is ready; undefined when that is not so. */
  readonly saturatedSince: number | undefined;

  /** Tasks that have ended, defects included; never reset. */
  readonly completed: number;

  /** Tasks that were dropped; never reset. */
  readonly dropped: number;

  /** Since when the task that has been running longest has kept its worker; undefined when none does. */
  readonly oldestRunningSince: number | undefined;

  /**
   * The task that has been running longest: the first of those whose promise is pending. What runs synchronously is
   * never seen here: nobody else can look meanwhile.
   */
  readonly oldestRunning: Task | undefined;
}

/** What a pool is made with. */
export interface WorkerPoolOptions {
  /** How many tasks may run at once: an integer of at least 1. */
  readonly workers: number;

  /** Told of a task that threw or rejected where it must not, after the pool has dealt with it, in a microtask. */
  readonly onDefect: (error: unknown, task: Task) => void;

  /** Monotonic milliseconds. @default monotonicNow */
  readonly now?: MonotonicClock;
}
