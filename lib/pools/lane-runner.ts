import type { MonotonicClock } from '../core/clock.js';
import { BackoffTimer } from './backoff-timer.js';
import { GuardedCalls } from './guarded-calls.js';
import { IdlePromise } from './idle-promise.js';
import type { Lane } from './lane.js';
import { Counts } from './live-state.js';
import { ReadyGroups } from './ready-groups.js';
import { TimeSlice } from './time-slice.js';
import type { Task, WorkerPoolOptions } from './worker-pool.js';
import { Workers } from './workers.js';
import type { Worker } from './workers.js';

/**
 * Brings lanes to workers. A lane that has a task is ready, running or backing off; the way of its head, in order: admit,
 * start, run, end; then the lane goes on with the next, or is told to `onEmptied`.
 */
export class LaneRunner {
  readonly ready = new ReadyGroups();
  readonly counts = new Counts();
  readonly workers: Workers;
  readonly backoff: BackoffTimer;

  readonly #now: MonotonicClock;
  readonly #onEmptied: (lane: Lane) => void;
  readonly #calls: GuardedCalls;
  readonly #slice: TimeSlice;
  readonly #idle = new IdlePromise();
  #isClosed = false;

  /** Set while lanes are started: whatever a task does to the pool meanwhile, the one loop that runs sees to it. */
  #isStarting = false;

  /** The lane that runs and has no worker to wait for its promise: its task has not returned yet. */
  #starting: Lane | undefined;

  constructor({ workers, onDefect }: WorkerPoolOptions, now: MonotonicClock, onEmptied: (lane: Lane) => void) {
    this.#now = now;
    this.#onEmptied = onEmptied;
    this.#calls = new GuardedCalls(onDefect);
    this.workers = new Workers(workers, {
      ended: (worker, result) => this.#settle(worker, result),
      failed: (worker, error) => this.#settle(worker, undefined, { error }),
    });
    this.backoff = new BackoffTimer(now, (lanes) => this.#resume(lanes));
    this.#slice = new TimeSlice(now, () => this.startReady());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A lane is ready; where no other is, it need not queue for its turn. */
  admit(lane: Lane): void {
    if (this.#isStarting || this.ready.size > 0) this.ready.add(lane);
    else this.startReady(lane);
  }

  /** Gives free workers to ready lanes, `first` before all others. A loop, since whatever ends at once frees its worker. */
  startReady(first?: Lane): void {
    if (this.#isStarting) return;

    this.#isStarting = true;
    let lane = first;
    while (this.workers.hasFree && !this.#slice.isOver) {
      lane ??= this.ready.take();
      if (lane?.head === undefined) break;
      this.#start(lane, lane.head);
      lane = undefined;
    }
    if (lane !== undefined) this.ready.add(lane);
    this.#isStarting = false;
    this.#noteSaturation();
    if (this.#idle.isAwaited && this.#isIdle()) this.#idle.keep();
  }

  /** Removes and drops waiting tasks, and returns how many. */
  remove(isToGo: (task: Task) => boolean): number {
    const removed: Task[] = [];
    const hasMore = (lane: Lane): boolean => {
      lane.remove(isToGo, removed);
      if (lane.head === undefined) this.#onEmptied(lane);
      return lane.head !== undefined;
    };
    this.ready.filter(hasMore);
    this.backoff.filter((lane) => {
      const { head } = lane;
      if (hasMore(lane) && lane.head !== head) this.ready.add(lane);
      return lane.head === head;
    });
    this.#starting?.remove(isToGo, removed);
    this.workers.eachHeld((lane) => lane.remove(isToGo, removed));

    this.counts.waiting -= removed.length;
    this.#dropAll(removed);
    return removed.length;
  }

  drop(task: Task): void {
    this.counts.dropped += 1;
    this.#calls.dropped(task);
  }

  idle(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : this.#idle.next();
  }

  close(): void {
    this.#isClosed = true;
    this.remove(() => true);
    this.#slice.close();
  }

  #start(lane: Lane, task: Task): void {
    this.#starting = lane;
    lane.isRunning = true;
    lane.group.running += 1;
    this.counts.waiting -= 1;
    this.workers.begin();
    this.#slice.count();
    if (this.#calls.isCurrent(task)) return this.#run(lane, task);

    this.#vacate(lane);
    this.#goOn(lane);
    this.drop(task);
  }

  #run(lane: Lane, task: Task): void {
    const result = this.#calls.run(task);
    if (typeof result !== 'object' || result === null) return this.#end(lane, task, result);

    const worker = this.workers.hold(lane, task, this.#slice.roughly());
    this.#starting = undefined;
    void Promise.resolve(result).then(worker.onResolved, worker.onRejected);
  }

  #settle(worker: Worker, result: unknown, defect?: { readonly error: unknown }): void {
    const { lane, task } = worker;
    if (lane === undefined || task === undefined) return;

    if (defect !== undefined) this.#calls.report(defect.error, task);
    this.#end(lane, task, result);
    this.workers.release(worker);
    this.startReady();
  }

  #end(lane: Lane, task: Task, result: unknown): void {
    const isToWait = typeof result === 'number';
    const isToGo = isToWait && (this.#isClosed || !this.#calls.isCurrent(task));
    this.#vacate(lane);
    if (isToWait && !isToGo) return this.#backOff(lane, result);

    this.#goOn(lane);
    if (isToGo) this.drop(task);
    else this.counts.completed += 1;
  }

  #vacate(lane: Lane): void {
    this.#starting = undefined;
    lane.isRunning = false;
    lane.group.running -= 1;
    this.workers.end();
  }

  /** The head of the lane has had its turn for good. */
  #goOn(lane: Lane): void {
    lane.advance();
    if (lane.head === undefined) this.#onEmptied(lane);
    else this.ready.add(lane);
  }

  #backOff(lane: Lane, delayMs: number): void {
    this.counts.waiting += 1;
    if (delayMs > 0) this.backoff.add(lane, delayMs);
    else this.ready.add(lane);
  }

  #resume(lanes: readonly Lane[]): void {
    for (const lane of lanes) this.ready.add(lane);
    this.startReady();
  }

  /** All are told before anything that came after them is started; they may submit and discard others. */
  #dropAll(tasks: readonly Task[]): void {
    const wasStarting = this.#isStarting;
    this.#isStarting = true;
    for (const task of tasks) this.drop(task);
    this.#isStarting = wasStarting;
    this.startReady();
  }

  #isIdle(): boolean {
    return this.counts.waiting === 0 && this.workers.busy === 0;
  }

  /** While the slice is over, a free worker does not mean that nothing waits for one. */
  #noteSaturation(): void {
    if (this.ready.size > 0 && this.#slice.isOver) return;
    if (this.ready.size === 0 || this.workers.hasFree) this.counts.saturatedSince = undefined;
    else this.counts.saturatedSince ??= this.#now();
  }
}
