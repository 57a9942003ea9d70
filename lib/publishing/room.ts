/** What the ACK pool is bound by. */
export interface AckPoolBounds {
  readonly maxPending: number;
  readonly maxPendingBytes: number;
}

/** The bound of the ACK pool, in messages and bytes. One publish always fits into an empty pool, however large it is. */
export class Room {
  #pending = 0;
  #pendingBytes = 0;

  /** @param overflow publish results beyond their buffer: each takes the room of a publish */
  constructor(
    readonly bounds: AckPoolBounds,
    private readonly overflow: () => number,
  ) {}

  get pending(): number {
    return this.#pending;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  fits(sizeBytes: number): boolean {
    const { maxPending, maxPendingBytes } = this.bounds;
    if (this.#pending + this.overflow() >= maxPending) return false;
    return this.#pending === 0 || this.#pendingBytes + sizeBytes <= maxPendingBytes;
  }

  take(sizeBytes: number): void {
    this.#pending += 1;
    this.#pendingBytes += sizeBytes;
  }

  free(sizeBytes: number): void {
    this.#pending -= 1;
    this.#pendingBytes -= sizeBytes;
  }
}
