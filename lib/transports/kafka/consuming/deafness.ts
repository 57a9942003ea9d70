import { monotonicNow } from '../../../core/clock.js';
import type { PartitionAnswer } from '../driver/driver.js';
import type { PartitionSource } from './partition-source.js';

/** A source that gets nothing. */
export interface DeafSource {
  readonly source: PartitionSource;
  readonly silentMs: number;
}

/**
 * Since when which source gets nothing although it should: it may be fetched, and the broker does not answer for it, or answers
 * with nothing while there is something to read. An answer that there is nothing new is an answer.
 */
export class Deafness {
  readonly #heardAt = new WeakMap<PartitionSource, number>();

  answered(source: PartitionSource, { isEmpty, stable }: PartitionAnswer): void {
    if (!isEmpty || stable <= source.frontier.position) this.#heardAt.set(source, monotonicNow());
  }

  /** @returns the source that has got nothing for longest */
  find(sources: Iterable<PartitionSource>, isFetching: boolean): DeafSource | undefined {
    const now = monotonicNow();
    let longest: DeafSource | undefined;
    for (const source of sources) {
      const heardAt = this.#heardAt.get(source);
      if (heardAt === undefined || !isFetching || !source.mayFetch) this.#heardAt.set(source, now);
      else if (now - heardAt > (longest?.silentMs ?? 0)) longest = { source, silentMs: now - heardAt };
    }
    return longest;
  }
}
