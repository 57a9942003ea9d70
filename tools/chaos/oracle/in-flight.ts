import type { HistoryRecord } from '../records.js';

/**
 * Deliveries in flight, as far as can be known from outside: what the broker says, and where it does not say, everything that was started and
 * was not settled when it was last asked. What waits in a process is not counted then.
 */
export class InFlight {
  readonly #told = new Map<string, number>();
  /** Source → orders that were started and are not known to be settled. */
  readonly #started = new Map<string, Set<number>>();

  get count(): number {
    let count = 0;
    for (const told of this.#told.values()) count += told;
    for (const orders of this.#started.values()) count += orders.size;
    return count;
  }

  take(record: HistoryRecord): void {
    if (record.kind === 'start') this.#add(record.position);
    if (record.kind !== 'settled') return;
    if (record.inFlight !== undefined) this.#told.set(record.source, record.inFlight);
    const orders = this.#started.get(record.source);
    for (const order of orders ?? []) if (order < record.before) orders?.delete(order);
  }

  #add(position: string): void {
    const [source = '', order] = position.split(':');
    if (order === undefined) return;
    const orders = this.#started.get(source);
    if (orders === undefined) this.#started.set(source, new Set([Number(order)]));
    else orders.add(Number(order));
  }
}
