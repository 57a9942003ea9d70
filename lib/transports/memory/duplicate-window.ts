import type { MonotonicClock } from '../../core/clock.js';

interface Remembered {
  readonly partition: number;
  readonly offset: number;
  readonly at: number;
}

/** Old ids looked at per new one: more than one, so that the window shrinks as fast as it grew. */
const SWEPT_PER_ID = 2;

/** The ids a topic has stored lately, bounded in time and in number. Swept as ids come in: no timer. */
export class DuplicateWindow {
  /** Id → where it is stored; in the order of their time. */
  readonly #seen = new Map<string, Remembered>();

  constructor(
    private readonly windowMs: number,
    private readonly maxIds: number,
    private readonly now: MonotonicClock,
  ) {}

  /** Where this id is stored; undefined when it is not, or no longer, known. */
  find(id: string): { readonly partition: number; readonly offset: number } | undefined {
    const seen = this.#seen.get(id);
    return seen === undefined || this.now() - seen.at >= this.windowMs ? undefined : seen;
  }

  add(id: string, partition: number, offset: number): void {
    if (this.windowMs === 0) return;
    const at = this.now();
    this.#seen.delete(id);
    this.#seen.set(id, { partition, offset, at });
    this.#sweep(at);
  }

  #sweep(now: number): void {
    let left = SWEPT_PER_ID;
    for (const [id, { at }] of this.#seen) {
      if (left === 0 || (now - at < this.windowMs && this.#seen.size <= this.maxIds)) return;
      this.#seen.delete(id);
      left -= 1;
    }
  }
}
