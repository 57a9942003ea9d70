import type { PendingPublish } from './pending-publish.js';

/** Dead letters in the pool at once, beside the pool's own bound. */
const RESERVED_SLOTS = 64;

/** Dead letters and the slots reserved for them: they never wait for publishes, which may be waiting for them. */
export class DeadLetterQueue {
  #waiting: PendingPublish[] = [];
  #taken = 0;

  /** @param take takes one into the pool */
  constructor(private readonly take: (publish: PendingPublish) => void) {}

  /** Those that wait for a reserved slot. */
  get size(): number {
    return this.#waiting.length;
  }

  add(publish: PendingPublish): void {
    this.#waiting.push(publish);
    this.#fill();
  }

  /** One that was taken has ended. */
  ended(): void {
    this.#taken -= 1;
    this.#fill();
  }

  /** @returns those that will not be taken any more */
  close(): readonly PendingPublish[] {
    return this.#waiting.splice(0);
  }

  #fill(): void {
    while (this.#taken < RESERVED_SLOTS) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#taken += 1;
      this.take(next);
    }
  }
}
