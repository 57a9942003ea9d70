import { Fifo } from './fifo.js';
import type { Task } from './worker-pool.js';

/** Tasks that share a part of the workers. */
export class Group {
  /** How many of its tasks hold a worker. */
  running = 0;

  /** Its lanes whose first task waits for nothing but a worker. */
  readonly ready = new Fifo<Lane>();

  constructor(readonly name: string) {}
}

/**
 * Tasks that run one after another. A lane that has a task is in exactly one place: among the ready ones of its group,
 * with a worker, or backing off. A task without a key is alone in a lane of its own.
 */
export class Lane {
  /** The task whose turn it is. */
  head: Task | undefined;

  /** Whether a worker has its head. */
  isRunning = false;

  /** Whether the register of lanes has it among those that were emptied. */
  isSpare = false;

  /** When its head is to be run again, on the pool's clock; has a meaning only while it backs off. */
  dueAt = 0;

  /** What comes after the head: made when there is a second task, for most lanes never have one. */
  #rest: Fifo<Task> | undefined;

  constructor(
    readonly group: Group,
    readonly key: string | undefined,
    first: Task,
  ) {
    this.head = first;
  }

  /** How many of its tasks wait. */
  get waiting(): number {
    const following = this.#rest === undefined ? 0 : this.#rest.size;
    return this.isRunning || this.head === undefined ? following : following + 1;
  }

  push(task: Task): void {
    if (this.head === undefined) this.head = task;
    else (this.#rest ??= new Fifo<Task>()).push(task);
  }

  /** Ends the head's turn; the next one becomes the head. */
  advance(): void {
    this.head = this.#rest === undefined ? undefined : this.#rest.shift();
  }

  /** Moves the waiting tasks that are to go into `removed`, in their order. A running head stays. */
  remove(isToGo: (task: Task) => boolean, removed: Task[]): void {
    const head = this.isRunning ? undefined : this.head;
    const isHeadToGo = head !== undefined && isToGo(head);
    if (isHeadToGo) removed.push(head);
    this.#rest?.filter((task) => {
      if (!isToGo(task)) return true;
      removed.push(task);
      return false;
    });
    if (isHeadToGo) this.advance();
  }
}
