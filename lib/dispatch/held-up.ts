import type { DeliveryTask } from './delivery-task.js';

/** Tasks that have had a turn and could not end with it: they fail and are tried again, cannot be stored as dead letters, or wait for a lease. */
export class HeldUp {
  /** In the order in which they were first held up. */
  readonly #tasks = new Set<DeliveryTask>();

  constructor(private readonly now: () => number) {}

  /** Counts from the first time on. */
  add(task: DeliveryTask): void {
    if (task.heldUpSince !== undefined || task.isOver) return;
    task.heldUpSince = this.now();
    this.#tasks.add(task);
  }

  /** It goes on, or has ended. */
  remove(task: DeliveryTask): void {
    task.heldUpSince = undefined;
    this.#tasks.delete(task);
  }

  /** Those held up longest come first. */
  [Symbol.iterator](): Iterator<DeliveryTask> {
    return this.#tasks.values();
  }
}
