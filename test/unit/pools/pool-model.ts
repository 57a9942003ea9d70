import { KeyedWorkerPool } from '../../../lib/pools/keyed-pool.js';
import type { WorkerPool } from '../../../lib/pools/worker-pool.js';
import type { Observer, ScriptedTask } from './scripted-task.js';

const OWN_LANE = 'own lane of ';

const OVER: ReadonlySet<string> = new Set(['ended', 'dropped']);

/** One submitted task as the model sees it. */
interface Entry {
  readonly task: ScriptedTask;
  readonly lane: string;
  status: 'waiting' | 'running' | 'backing off' | 'ended' | 'dropped';
  dueAt: number;

  /** The how-manieth start of all its latest one was. */
  startedAs: number;
}

/**
 * What a pool must do, said as simply as possible: a list of tasks in the order they came in, looked through from the
 * start for every question. It follows the pool by what happens to the tasks and objects to what must not happen.
 */
export class PoolModel implements Observer {
  readonly faults: string[] = [];
  readonly #entries: Entry[] = [];
  readonly #entryByTask = new Map<ScriptedTask, Entry>();
  readonly #now: () => number;
  #starts = 0;

  /** How many attempts threw or rejected. */
  defects = 0;
  workers: number;

  constructor(workers: number, now: () => number) {
    this.workers = workers;
    this.#now = now;
  }

  /** A task without a lane is in one of its own. */
  submitted(task: ScriptedTask, lane: string | undefined): void {
    const entry: Entry = { task, lane: lane ?? `${OWN_LANE}${task.name}`, status: 'waiting', dueAt: 0, startedAs: 0 };
    this.#entries.push(entry);
    this.#entryByTask.set(task, entry);
  }

  started(task: ScriptedTask): void {
    const entry = this.#of(task);
    if (this.#with('running').length >= this.workers) this.#fault(entry, 'starts although all workers are busy');
    if (this.#head(entry.lane) !== entry) this.#fault(entry, 'starts although its lane has an earlier task');
    if (!task.isCurrent()) this.#fault(entry, 'starts although it is not current');
    if (entry.status === 'running') this.#fault(entry, 'starts although it runs');
    if (entry.status === 'backing off' && entry.dueAt > this.#now()) this.#fault(entry, 'starts before it is due');
    if (OVER.has(entry.status)) this.#fault(entry, `starts after it was ${entry.status}`);
    this.#judgeGroup(entry);
    entry.status = 'running';
    this.#starts += 1;
    entry.startedAs = this.#starts;
  }

  attempted(task: ScriptedTask, waitMs: number | 'defect' | undefined): void {
    if (waitMs === 'defect') this.defects += 1;
    const entry = this.#of(task);
    entry.status = typeof waitMs === 'number' ? 'backing off' : 'ended';
    entry.dueAt = typeof waitMs === 'number' ? this.#now() + waitMs : 0;
  }

  dropped(task: ScriptedTask): void {
    const entry = this.#of(task);
    if (entry.status === 'running') this.#fault(entry, 'is dropped while it runs');
    if (OVER.has(entry.status)) this.#fault(entry, `is dropped after it was ${entry.status}`);
    entry.status = 'dropped';
  }

  /** How many tasks of an origin wait. */
  waitingOf(origin: object): number {
    return this.#waiting().filter((entry) => entry.task.origin === origin).length;
  }

  /** What the pool should say of itself once nothing happens any more by itself. */
  expectedState(): Record<string, unknown> {
    const running = this.running;
    const waiting = this.#waiting();
    return {
      workers: this.workers,
      running,
      waiting: waiting.length,
      backingOff: this.#with('backing off').filter((entry) => entry.dueAt > this.#now()).length,
      keys: this.#keys().length,
      completed: this.#with('ended').length,
      dropped: this.#with('dropped').length,
      isSaturated: running >= this.workers && this.runnable().length > 0,
      oldestRunning: this.pending()[0]?.name,
      waitingIn: this.#keys().map((lane) => waiting.filter((entry) => entry.lane === lane).length),
    };
  }

  /** The same, as the pool says it. */
  actualState(pool: WorkerPool): Record<string, unknown> {
    const { workers, running, waiting, backingOff, keys, completed, dropped, saturatedSince } = pool.state;
    const isSaturated = saturatedSince !== undefined;
    const oldestRunning = this.pending().find((task) => task === pool.state.oldestRunning)?.name;
    const waitingIn = pool instanceof KeyedWorkerPool ? this.#keys().map((lane) => pool.waitingIn(lane)) : [];
    return { workers, running, waiting, backingOff, keys, completed, dropped, isSaturated, oldestRunning, waitingIn };
  }

  /** The tasks that wait for nothing but a worker. */
  runnable(): readonly ScriptedTask[] {
    return this.#runnable().map((entry) => entry.task);
  }

  get running(): number {
    return this.#with('running').length;
  }

  /** The tasks whose promise is pending, in the order they started. */
  pending(): readonly ScriptedTask[] {
    const pending = this.#with('running').filter((entry) => entry.task.isPending);
    return pending.toSorted((a, b) => a.startedAs - b.startedAs).map((entry) => entry.task);
  }

  /** Tasks that neither ended nor were dropped, or more than once. */
  unaccounted(): readonly string[] {
    return this.#entries
      .filter(({ status, task }) => !OVER.has(status) || task.drops !== (status === 'dropped' ? 1 : 0))
      .map(({ status, task }) => `${task.name} is ${status}`);
  }

  /** A worker may go to a group only if no other that has something to run has fewer. */
  #judgeGroup(entry: Entry): void {
    const runningOf = (group: string): number =>
      this.#with('running').filter((other) => other.task.group === group).length;
    const own = runningOf(entry.task.group);
    const passedOver = this.#runnable().find((other) => other !== entry && runningOf(other.task.group) < own);
    if (passedOver !== undefined) this.#fault(entry, `starts before ${passedOver.task.name}, whose group has fewer`);
  }

  #fault(entry: Entry, text: string): void {
    this.faults.push(`${entry.task.name} in lane "${entry.lane}" ${text}`);
  }

  #of(task: ScriptedTask): Entry {
    const entry = this.#entryByTask.get(task);
    if (entry === undefined) throw new Error(`${task.name} was never submitted`);
    return entry;
  }

  #with(status: Entry['status']): Entry[] {
    return this.#entries.filter((entry) => entry.status === status);
  }

  #waiting(): Entry[] {
    return this.#entries.filter((entry) => entry.status === 'waiting' || entry.status === 'backing off');
  }

  #head(lane: string): Entry | undefined {
    return this.#entries.find((entry) => entry.lane === lane && !OVER.has(entry.status));
  }

  #lanes(): string[] {
    return [...new Set(this.#entries.filter((entry) => !OVER.has(entry.status)).map((entry) => entry.lane))];
  }

  #keys(): string[] {
    return this.#lanes().filter((lane) => !lane.startsWith(OWN_LANE));
  }

  #runnable(): Entry[] {
    const isReady = (entry: Entry): boolean =>
      entry.status === 'waiting' || (entry.status === 'backing off' && entry.dueAt <= this.#now());
    return this.#lanes()
      .map((lane) => this.#head(lane))
      .filter((entry) => entry !== undefined)
      .filter(isReady);
  }
}
