import { type HistoryRecord, idOf } from '../records.js';

/** An event that was handled to the end again. */
export interface Duplicate {
  readonly id: string;
  readonly position: string;
  readonly instance: string;
  readonly atMs: number;
}

/** When something was first handled to the end. */
export interface Done {
  /** The place of its record in the history. */
  readonly index: number;
  readonly atMs: number;
}

/** Faults after which an event may come twice; joins and leaves in good order are none. */
const HARMLESS: ReadonlySet<string> = new Set(['join', 'leave', 'kill', 'stop', 'block']);

/** Keeps what was handled to the end, and what more than once. */
export class DeliveryJudge {
  /** Position → when it was first handled to the end. */
  readonly firstDone = new Map<string, Done>();
  /** Ids of events that were to become dead letters. */
  readonly refused = new Set<string>();
  /** Of one stored message: handled to the end again. */
  readonly redelivered: Duplicate[] = [];
  /** Handled again because the broker stored it twice, under the same id. */
  readonly storedTwice: Duplicate[] = [];
  /** Handled again though nothing had happened that may cause it. */
  readonly unexplained: Duplicate[] = [];
  readonly #runs = new Map<string, { readonly id: string; readonly position: string }>();
  readonly #doneIds = new Set<string>();
  readonly #leaving = new Set<string>();
  #causes = 0;
  #ends = 0;

  /** Things that may cause duplicates: kills, stops, broken connections, brokers that went away, handlers that were left at a deadline. */
  get causes(): number {
    return this.#causes;
  }

  /** Attempts that came to their end, whichever. */
  get ends(): number {
    return this.#ends;
  }

  get handledEvents(): number {
    return this.#doneIds.size;
  }

  isDone(id: string): boolean {
    return this.#doneIds.has(id);
  }

  take(record: HistoryRecord, index: number): void {
    if (record.kind === 'start') this.#runs.set(record.run, { id: idOf(record), position: record.position });
    else if (record.kind === 'signal') this.#causes += 1;
    else if (record.kind === 'fault' && record.phase === 'begin' && !HARMLESS.has(record.fault)) this.#causes += 1;
    else if (record.kind === 'life') this.#lived(record.instance, record.is);
    else if (record.kind === 'end') {
      const run = this.#runs.get(record.run);
      this.#runs.delete(record.run);
      this.#ends += 1;
      if (run === undefined || record.outcome === 'failed') return;
      if (record.outcome === 'refused') this.refused.add(run.id);
      this.#completed({ ...run, instance: record.instance, atMs: record.atMs }, index);
    }
  }

  #lived(instance: string, is: string): void {
    if (is === 'leaving') this.#leaving.add(instance);
    else if (is === 'crashed' || is === 'frozen' || is === 'blocked') this.#causes += 1;
    else if (is === 'gone' && !this.#leaving.has(instance)) this.#causes += 1;
  }

  #completed(run: Duplicate, index: number): void {
    const { id, position, atMs } = run;
    if (this.firstDone.has(position)) {
      this.redelivered.push(run);
      if (this.#causes === 0) this.unexplained.push(run);
      return;
    }
    this.firstDone.set(position, { index, atMs });
    if (this.#doneIds.has(id)) this.storedTwice.push(run);
    this.#doneIds.add(id);
  }
}
