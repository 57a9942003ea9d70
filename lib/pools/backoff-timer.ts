import type { MonotonicClock } from '../core/clock.js';
import type { Lane } from './lane.js';

/** The longest wait that `setTimeout` can do, in milliseconds. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The lanes that wait until their head is run again: a heap by due time, and one timer for all of them. */
export class BackoffTimer {
  readonly #now: MonotonicClock;
  readonly #onDue: (lanes: readonly Lane[]) => void;

  /** A binary heap: no lane is due before the one at half its index. The first place, 0, is not used. */
  #heap: (Lane | undefined)[] = [undefined];
  #timer: NodeJS.Timeout | undefined;

  /** When the timer fires; Infinity while there is none. */
  #firesAt = Infinity;

  /** `onDue` gets the lanes whose time has come; they are no longer here then. */
  constructor(now: MonotonicClock, onDue: (lanes: readonly Lane[]) => void) {
    this.#now = now;
    this.#onDue = onDue;
  }

  /** How many lanes wait. */
  get size(): number {
    return this.#heap.length - 1;
  }

  /** Lets a lane wait, in milliseconds from now. */
  add(lane: Lane, delayMs: number): void {
    lane.dueAt = this.#now() + delayMs;
    this.#insert(lane);
    if (lane.dueAt < this.#firesAt) this.#arm(lane.dueAt);
  }

  /** Keeps the lanes for which `keep` says true. */
  filter(keep: (lane: Lane) => boolean): void {
    const before = this.#heap;
    this.#heap = [undefined];
    for (const lane of before) if (lane !== undefined && keep(lane)) this.#insert(lane);
    if (this.size === 0) this.#disarm();
  }

  #fire(): void {
    this.#disarm();
    const now = this.#now();
    const due: Lane[] = [];
    let first = this.#heap[1];
    while (first !== undefined && first.dueAt <= now) {
      due.push(first);
      this.#removeFirst();
      first = this.#heap[1];
    }
    if (first !== undefined) this.#arm(first.dueAt);
    if (due.length > 0) this.#onDue(due);
  }

  #arm(dueAt: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = dueAt;
    const delayMs = Math.ceil(dueAt - this.#now());
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(delayMs, 1), LONGEST_TIMEOUT_MS));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Infinity;
  }

  #insert(lane: Lane): void {
    const heap = this.#heap;
    let at = heap.push(lane) - 1;
    for (let parent = heap[at >> 1]; parent !== undefined && parent.dueAt > lane.dueAt; parent = heap[at >> 1]) {
      heap[at] = parent;
      at >>= 1;
      heap[at] = lane;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 1) return;

    let at = 1;
    for (let child = this.#earlierChild(at); child !== undefined; child = this.#earlierChild(at)) {
      const lane = heap[child];
      if (lane === undefined || lane.dueAt >= last.dueAt) break;
      heap[at] = lane;
      at = child;
    }
    heap[at] = last;
  }

  #earlierChild(at: number): number | undefined {
    const left = this.#heap[at * 2];
    if (left === undefined) return undefined;
    const right = this.#heap[at * 2 + 1];
    return right !== undefined && right.dueAt < left.dueAt ? at * 2 + 1 : at * 2;
  }
}
