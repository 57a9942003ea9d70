import { DoneRanges } from './done-ranges.js';

/** A delivered offset. */
export interface Entry {
  readonly offset: bigint;
  /** Counts from 0 in one period of ownership. */
  readonly index: number;
  /** The event's key, for who asks what holds the frontier. Let go when it is done. */
  key: Uint8Array | null;
  isDone: boolean;
  /** At the ends of a run of done entries past the frontier: the index of its other end. */
  otherEnd: number;
}

/** Settled entries at the front are cut off in chunks of at least so many, and of half of all: O(1) for each. */
const CUT_AT = 1_024;

/**
 * What of a partition is settled, in one period of ownership:
 * - position: one past the last offset that was delivered or skipped; where the next fetch begins
 * - frontier: the first delivered offset that is not settled, or the position; what may be committed
 * - uncommitted: how many were delivered from the frontier on
 * - islands: runs of settled offsets past the frontier; what a commit can say beside the offset
 *
 * Offsets that were never delivered (compaction, control records) need no settling: holes are done. All costs O(1) an event.
 */
export class Frontier {
  /** In offset order, without the `#cut` first ones. */
  #entries: Entry[] = [];
  #cut = 0;
  /** Index of the first entry that is not done, or of the next one to be delivered. */
  #head = 0;
  /** Index of the last done entry. */
  #lastDone = -1;
  #islands = 0;
  #position: bigint;
  #changes = 0;

  /** @param inherited what a predecessor has done from `start` on: it is not to be delivered */
  constructor(
    start: bigint,
    private readonly inherited: DoneRanges = new DoneRanges([]),
  ) {
    this.#position = start;
  }

  get position(): bigint {
    return this.#position;
  }

  get frontier(): bigint {
    return this.held?.offset ?? this.#position;
  }

  /** What the frontier waits for; undefined when everything delivered is settled. */
  get held(): Entry | undefined {
    return this.#at(this.#head);
  }

  get uncommitted(): number {
    return this.#entries.length + this.#cut - this.#head;
  }

  /** Grows with every change of the frontier or the islands. */
  get changes(): number {
    return this.#changes;
  }

  /** How many offsets from the position up to this one a predecessor has not done. */
  undoneUpTo(offset: bigint): number {
    const done = this.inherited.from(this.#position).map(([from, to]) => [from, to < offset ? to : offset] as const);
    return done.reduce((left, [from, to]) => left - Math.max(0, Number(to - from)), Number(offset - this.#position));
  }

  /** Whether what was inherited reaches further than what was fetched. */
  get isCatchingUp(): boolean {
    return (this.inherited.end ?? this.#position) > this.#position;
  }

  /** Of settled offsets past the frontier, what was inherited and not reached yet included. */
  get islands(): number {
    return this.#islands + this.inherited.leftCount;
  }

  /** Offsets from the frontier to the end of the last island. */
  get spread(): number {
    if (this.islands === 0) return 0;
    const last = this.#islands === 0 ? undefined : this.#at(this.#lastDone);
    const end = this.inherited.end ?? (last?.offset ?? this.frontier) + 1n;
    return Math.max(0, Number(end - this.frontier));
  }

  /** @param offset at or after the position */
  deliver(offset: bigint): Entry {
    const index = this.#cut + this.#entries.length;
    const entry: Entry = { offset, index, key: null, isDone: false, otherEnd: index };
    this.#entries.push(entry);
    this.skipTo(offset + 1n);
    return entry;
  }

  /** Takes an offset for done that the predecessor has done. @returns false when it has not: it is to be delivered */
  takeInherited(offset: bigint): boolean {
    if (!this.inherited.has(offset)) return false;
    this.settle(this.deliver(offset));
    return true;
  }

  /** Nothing is to come before this offset. Never goes back. */
  skipTo(position: bigint): void {
    if (position <= this.#position) return;
    this.#position = position;
    this.#changes += 1;
  }

  settle(entry: Entry): void {
    if (entry.isDone) return;
    entry.isDone = true;
    entry.key = null;
    this.#changes += 1;
    if (entry.index === this.#head) this.#advance();
    else this.#join(entry);
  }

  /** Lengths in offsets from the frontier on: not done, done, not done, done, …. Offsets that do not exist count to what is before them. */
  runs(): number[] {
    const runs: number[] = [];
    let at = this.frontier;
    const push = (from: bigint, to: bigint): void => {
      runs.push(Number(from - at), Number(to - from));
      at = to;
    };
    for (let index = this.#head; index <= this.#lastDone; index += 1) {
      const first = this.#at(index);
      if (!first?.isDone) continue;
      index = first.otherEnd;
      push(first.offset, (this.#at(index) ?? first).offset + 1n);
    }
    for (const [from, to] of this.inherited.from(this.#position)) push(from, to);
    return runs;
  }

  /** The frontier moves on past what is done already. */
  #advance(): void {
    const island = this.#at(this.#head + 1);
    this.#head += 1;
    if (island?.isDone) {
      this.#islands -= 1;
      this.#head = island.otherEnd + 1;
    }
    const done = this.#head - this.#cut;
    if (done < CUT_AT || done * 2 < this.#entries.length) return;
    this.#entries.splice(0, done);
    this.#cut = this.#head;
  }

  /** An entry past the frontier makes an island, or makes one longer, or joins two. */
  #join({ index }: Entry): void {
    const [before, after] = [this.#at(index - 1), this.#at(index + 1)];
    const first = before?.isDone ? before.otherEnd : index;
    const last = after?.isDone ? after.otherEnd : index;
    this.#link(first, last);
    this.#link(last, first);
    this.#islands += 1 - Number(before?.isDone ?? false) - Number(after?.isDone ?? false);
    this.#lastDone = Math.max(this.#lastDone, last);
  }

  #link(index: number, otherEnd: number): void {
    const entry = this.#at(index);
    if (entry) entry.otherEnd = otherEnd;
  }

  #at(index: number): Entry | undefined {
    return this.#entries[index - this.#cut];
  }
}
