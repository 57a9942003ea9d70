import { eventOf, type FaultRecord, type HistoryRecord, idOf, type StoredEvent } from '../records.js';
import { bySource, type CommitLook, committedAhead } from './commits.js';
import { DeliveryJudge } from './deliveries.js';
import { OrderJudge } from './order.js';
import { InFlight } from './in-flight.js';
import { storedLate } from './log.js';
import { longestPauses } from './progress.js';
import type { FaultCount, Verdict } from './verdict.js';

/** What the broker says once the run is over. */
export interface FinalView {
  readonly stored: readonly StoredEvent[];
  /** Ids of the events that have a dead letter. */
  readonly deadLetters: ReadonlySet<string>;
  /** Deliveries that it still holds for unsettled, or has not delivered. */
  readonly unsettled: number;
}

/** What the guarantees allow. */
export interface Bounds {
  /** Events that may be handled twice for each thing that can cause it. */
  readonly duplicatesPerCause: number;
  /** A source that had events and made no progress for longer has stalled. */
  readonly stalledAfterMs: number;
}

/** Reads the history of a run, line by line, also while it is still written, and says at the end what became of the events. */
export class Oracle {
  readonly order = new OrderJudge();
  readonly deliveries = new DeliveryJudge();
  readonly #outcomes = { confirmed: 0, rejected: 0, unknown: 0 };
  readonly #confirmedAt = new Map<string, number>();
  readonly #rejected: string[] = [];
  readonly #looks: CommitLook[] = [];
  readonly #inFlight = new InFlight();
  readonly #faults = new Map<string, { runningAt: number[]; inFlightAt: number[] }>();
  readonly #misuses: string[] = [];
  readonly #crashed: string[] = [];
  #index = 0;
  #firstMs: number | undefined;
  #lastMs = 0;

  take(record: HistoryRecord): void {
    const index = (this.#index += 1);
    if (record.kind === 'fault') this.#struck(record);
    this.order.take(record);
    this.#inFlight.take(record);
    this.deliveries.take(record, index);
    this.#firstMs ??= record.atMs;
    if (record.kind !== 'settled' && record.kind !== 'sample') this.#lastMs = record.atMs;
    if (record.kind === 'publish') {
      this.#outcomes[record.outcome] += 1;
      if (record.outcome === 'confirmed') this.#confirmedAt.set(idOf(record), record.atMs);
      if (record.outcome === 'rejected') this.#rejected.push(idOf(record));
    } else if (record.kind === 'settled') {
      this.#looks.push({ ...record, index });
    } else if (record.kind === 'misuse') this.#misuses.push(`${record.instance}: ${record.what}`);
    else if (record.kind === 'life' && record.is === 'crashed') this.#crashed.push(record.instance);
  }

  /** Events confirmed so far. */
  get confirmed(): number {
    return this.#outcomes.confirmed;
  }

  /** Events handled to the end so far. */
  get handled(): number {
    return this.deliveries.handledEvents;
  }

  /** Confirmed, and not handled to the end yet. */
  waiting(): number {
    let waiting = 0;
    for (const id of this.#confirmedAt.keys()) if (!this.deliveries.isDone(id)) waiting += 1;
    return waiting;
  }

  verdict({ stored, deadLetters, unsettled }: FinalView, bounds: Bounds): Verdict {
    const { deliveries, order } = this;
    const sources = bySource(stored);
    const storedIds = new Set(stored.map(idOf));
    const pauses = longestPauses(
      sources,
      deliveries.firstDone,
      (event) => this.#confirmedAt.get(idOf(event)),
      this.#lastMs,
    );
    const seconds = (this.#lastMs - (this.#firstMs ?? 0)) / 1_000;
    return {
      published: this.#outcomes.confirmed + this.#outcomes.rejected + this.#outcomes.unknown,
      ...this.#outcomes,
      stored: stored.length,
      handled: deliveries.handledEvents,
      deadLettered: deadLetters.size,
      missing: [...this.#confirmedAt.keys()].filter((id) => !storedIds.has(id)).map(eventOf),
      denied: this.#rejected.filter((id) => storedIds.has(id)).map(eventOf),
      storedLate: storedLate(sources),
      lost: [...storedIds].filter((id) => !this.#isSafe(id, deadLetters)).map(eventOf),
      orderViolations: order.violations,
      excused: order.excused,
      duplicates: {
        redelivered: deliveries.redelivered,
        storedTwice: deliveries.storedTwice,
        unexplained: deliveries.unexplained,
        bound: deliveries.causes * bounds.duplicatesPerCause,
      },
      committedAhead: committedAhead(sources, deliveries.firstDone, this.#looks),
      looks: this.#looks.length,
      stalled: pauses.filter(({ lengthMs }) => lengthMs > bounds.stalledAfterMs),
      longestPause: pauses[0],
      unsettled,
      misuses: this.#misuses,
      crashed: this.#crashed,
      faults: [...this.#faults].map(([fault, counts]): FaultCount => ({ fault, ...counts })),
      eventsPerSecond: Math.round(deliveries.handledEvents / seconds),
      seconds,
    };
  }

  /** Handled to the end; one that was refused needs its dead letter besides. */
  #isSafe(id: string, deadLetters: ReadonlySet<string>): boolean {
    return this.deliveries.refused.has(id) ? deadLetters.has(id) : this.deliveries.isDone(id) || deadLetters.has(id);
  }

  #struck({ fault, phase, instance }: FaultRecord): void {
    if (phase !== 'begin') return;
    const counts = this.#faults.get(fault) ?? { runningAt: [], inFlightAt: [] };
    this.#faults.set(fault, counts);
    counts.runningAt.push(this.order.running(instance));
    counts.inFlightAt.push(this.#inFlight.count);
  }
}

/** Judges a whole history at once. */
export function judge(records: Iterable<HistoryRecord>, view: FinalView, bounds: Bounds): Verdict {
  const oracle = new Oracle();
  for (const record of records) oracle.take(record);
  return oracle.verdict(view, bounds);
}
