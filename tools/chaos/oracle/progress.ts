import type { StoredEvent } from '../records.js';
import type { Done } from './deliveries.js';

/** A time in which a source had events to handle and none was handled to the end. */
export interface Pause {
  readonly source: string;
  readonly fromMs: number;
  readonly lengthMs: number;
}

/**
 * The longest pause of each source, longest first. An event counts as waiting from its confirm on; one that was never handled to the end
 * waits until `endMs`.
 */
export function longestPauses(
  sources: ReadonlyMap<string, readonly StoredEvent[]>,
  firstDone: ReadonlyMap<string, Done>,
  confirmedAt: (event: StoredEvent) => number | undefined,
  endMs: number,
): Pause[] {
  const pauses = [...sources].map(([source, events]) => {
    const waits = events.map((event) => {
      const doneMs = firstDone.get(event.position)?.atMs ?? endMs;
      return { fromMs: Math.min(confirmedAt(event) ?? doneMs, doneMs), doneMs };
    });
    return { source, ...longestOf(waits) };
  });
  return pauses.toSorted((one, other) => other.lengthMs - one.lengthMs);
}

interface Wait {
  readonly fromMs: number;
  readonly doneMs: number;
}

function longestOf(waits: readonly Wait[]): { fromMs: number; lengthMs: number } {
  const sorted = waits.toSorted((one, other) => one.doneMs - other.doneMs);
  const earliest: number[] = [];
  for (let at = sorted.length - 1; at >= 0; at -= 1) {
    earliest[at] = Math.min(sorted[at]?.fromMs ?? Infinity, earliest[at + 1] ?? Infinity);
  }
  let longest = { fromMs: 0, lengthMs: 0 };
  let beforeMs = -Infinity;
  sorted.forEach(({ doneMs }, at) => {
    const fromMs = Math.max(beforeMs, earliest[at] ?? doneMs);
    if (doneMs - fromMs > longest.lengthMs) longest = { fromMs, lengthMs: doneMs - fromMs };
    beforeMs = doneMs;
  });
  return longest;
}
