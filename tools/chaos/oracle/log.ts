import { type EventName, idOf, type StoredEvent } from '../records.js';

/** Events of the log that came, for the first time, after a later one of their key: the publisher broke the order of its calls. */
export function storedLate(sources: ReadonlyMap<string, readonly StoredEvent[]>): EventName[] {
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  const late: EventName[] = [];
  for (const events of sources.values()) {
    for (const { key, sequence } of events) {
      const id = idOf({ key, sequence });
      if (seen.has(id)) continue;
      seen.add(id);
      if (sequence < (highest.get(key) ?? 0)) late.push({ key, sequence });
      else highest.set(key, sequence);
    }
  }
  return late;
}
