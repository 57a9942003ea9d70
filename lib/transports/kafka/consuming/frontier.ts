/** A delivered offset. */
export interface Entry {
  readonly offset: bigint;
  isDone: boolean;
}

/** Settled entries at the front are cut off in chunks of so many. */
const CUT_AT = 1_024;

/**
 * What of a partition is settled, in one period of ownership:
 * - position: one past the last offset that was delivered or skipped; where the next fetch begins
 * - frontier: the first delivered offset that is not settled, or the position; what may be committed
 * - uncommitted: how many were delivered from the frontier on
 *
 * Offsets that were never delivered (compaction, control records) need no settling: holes are done.
 */
export class Frontier {
  /** In offset order. Everything before `#head` is done. */
  #entries: Entry[] = [];
  #head = 0;
  #position: bigint;

  constructor(start: bigint) {
    this.#position = start;
  }

  get position(): bigint {
    return this.#position;
  }

  get frontier(): bigint {
    return this.#entries[this.#head]?.offset ?? this.#position;
  }

  get uncommitted(): number {
    return this.#entries.length - this.#head;
  }

  /** @param offset at or after the position */
  deliver(offset: bigint): Entry {
    const entry: Entry = { offset, isDone: false };
    this.#entries.push(entry);
    this.#position = offset + 1n;
    return entry;
  }

  /** Nothing is to come before this offset. Never goes back. */
  skipTo(position: bigint): void {
    if (position > this.#position) this.#position = position;
  }

  settle(entry: Entry): void {
    entry.isDone = true;
    while (this.#entries[this.#head]?.isDone) this.#head += 1;
    if (this.#head < CUT_AT) return;
    this.#entries.splice(0, this.#head);
    this.#head = 0;
  }
}
