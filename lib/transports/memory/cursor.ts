/**
 * How far one group is in one partition.
 * - frontier: everything below it is settled
 * - settled beyond: what is settled above the frontier, with gaps before it
 * - delivered: one past the highest offset that was ever delivered; what is unsettled below it is redelivered to the next owner
 */
export class Cursor {
  #frontier: number;
  #delivered: number;
  readonly #settledBeyond = new Set<number>();

  constructor(start: number) {
    this.#frontier = start;
    this.#delivered = start;
  }

  get frontier(): number {
    return this.#frontier;
  }

  get delivered(): number {
    return this.#delivered;
  }

  /** Settled, at the frontier and beyond it, since a start: what is left of `end - start` is unsettled. */
  unsettled(end: number): number {
    return end - this.#frontier - this.#settledBeyond.size;
  }

  isSettled(offset: number): boolean {
    return offset < this.#frontier || this.#settledBeyond.has(offset);
  }

  deliver(offset: number): void {
    if (offset >= this.#delivered) this.#delivered = offset + 1;
  }

  settle(offset: number): void {
    if (offset < this.#frontier) return;
    if (offset > this.#frontier) {
      this.#settledBeyond.add(offset);
      return;
    }
    this.#frontier += 1;
    while (this.#settledBeyond.size > 0 && this.#settledBeyond.delete(this.#frontier)) this.#frontier += 1;
  }
}
