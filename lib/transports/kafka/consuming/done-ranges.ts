import type { OffsetRange } from './offset-map.js';

/** What a predecessor had done past its frontier. Asked in the order of offsets, each question costs O(1) over all of them. */
export class DoneRanges {
  /** Ranges before this one lie before everything that is still to be asked. */
  #next = 0;

  /** @param ranges in order, without overlap */
  constructor(private readonly ranges: readonly OffsetRange[]) {}

  /** @param offset higher than all that were asked before */
  has(offset: bigint): boolean {
    let range = this.ranges[this.#next];
    while (range !== undefined && range[1] <= offset) range = this.ranges[++this.#next];
    return range !== undefined && range[0] <= offset;
  }

  /** How many ranges may still lie ahead. */
  get leftCount(): number {
    return this.ranges.length - this.#next;
  }

  /** One past the last offset, if anything may still lie ahead. */
  get end(): bigint | undefined {
    return this.leftCount === 0 ? undefined : this.ranges.at(-1)?.[1];
  }

  /** What lies at or after a position. */
  from(position: bigint): OffsetRange[] {
    return this.ranges
      .slice(this.#next)
      .filter(([, to]) => to > position)
      .map(([from, to]) => [from > position ? from : position, to]);
  }
}
