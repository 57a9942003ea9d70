import type { SettledRecord, StoredEvent } from '../records.js';
import type { Done } from './deliveries.js';

/** The broker held an event for settled that was not handled to the end. */
export interface CommittedAhead {
  readonly source: string;
  readonly before: number;
  readonly position: string;
  readonly atMs: number;
}

/** A look at a source's progress, with the place of its record in the history. */
export interface CommitLook extends SettledRecord {
  readonly index: number;
}

/** The events of each source, in order. */
export function bySource(stored: readonly StoredEvent[]): Map<string, StoredEvent[]> {
  const sources = new Map<string, StoredEvent[]>();
  for (const event of stored) {
    const events = sources.get(event.source);
    if (events === undefined) sources.set(event.source, [event]);
    else events.push(event);
  }
  for (const events of sources.values()) events.sort((one, other) => one.order - other.order);
  return sources;
}

/** Every look at which something was settled before it was handled to the end, by the first such event. */
export function committedAhead(
  sources: ReadonlyMap<string, readonly StoredEvent[]>,
  firstDone: ReadonlyMap<string, Done>,
  looks: readonly CommitLook[],
): CommittedAhead[] {
  const prefixes = new Map([...sources].map(([source, events]) => [source, latestDone(events, firstDone)]));
  return looks.flatMap(({ source, before, index, atMs }) => {
    const events = sources.get(source) ?? [];
    const count = countBefore(events, before);
    if (count === 0 || (prefixes.get(source)?.[count - 1] ?? Infinity) < index) return [];
    const culprit = events.find(({ position }) => (firstDone.get(position)?.index ?? Infinity) > index);
    return [{ source, before, position: culprit?.position ?? '', atMs }];
  });
}

/** At i: the place in the history by which all events up to i were handled to the end. */
function latestDone(events: readonly StoredEvent[], firstDone: ReadonlyMap<string, Done>): number[] {
  let latest = -1;
  return events.map(({ position }) => (latest = Math.max(latest, firstDone.get(position)?.index ?? Infinity)));
}

function countBefore(events: readonly StoredEvent[], before: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.order ?? Infinity) < before) low = middle + 1;
    else high = middle;
  }
  return low;
}
