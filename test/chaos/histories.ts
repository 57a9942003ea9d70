import { judge } from '../../tools/chaos/oracle/oracle.js';
import type { Verdict } from '../../tools/chaos/oracle/verdict.js';
import { type HistoryRecord, idOf, type StoredEvent } from '../../tools/chaos/records.js';

/** What a test says of the broker's side; the rest follows from the records. */
export interface Telling {
  /** Positions of the log, in order: `<source>:<order> <key>:<sequence>`. */
  readonly log?: readonly string[];
  readonly deadLetters?: readonly string[];
  readonly unsettled?: number;
  readonly duplicatesPerCause?: number;
  readonly stalledAfterMs?: number;
}

/** Writes a history line by line, a millisecond apart; runs are named by instance and event. */
export class HistoryBuilder {
  readonly records: HistoryRecord[] = [];
  #atMs = 0;

  /** Nothing happens for so long. */
  pause(ms: number): this {
    this.#atMs += ms;
    return this;
  }

  confirmed(...events: readonly string[]): this {
    for (const event of events) this.#add({ kind: 'publish', ...eventOf(event), outcome: 'confirmed' });
    return this;
  }

  ended(outcome: 'rejected' | 'unknown', event: string): this {
    return this.#add({ kind: 'publish', ...eventOf(event), outcome });
  }

  /** @param position @default the event's sequence in source 0 */
  start(instance: string, event: string, position = `0:${eventOf(event).sequence}`): this {
    return this.#add({
      kind: 'start',
      instance,
      run: `${instance} ${event} ${position}`,
      ...eventOf(event),
      attempt: 1,
      position,
    });
  }

  end(
    instance: string,
    event: string,
    outcome: 'handled' | 'failed' | 'refused' = 'handled',
    position = `0:${eventOf(event).sequence}`,
  ): this {
    return this.#add({ kind: 'end', instance, run: `${instance} ${event} ${position}`, outcome });
  }

  /** Starts and ends it. */
  handles(instance: string, event: string, position?: string): this {
    return this.start(instance, event, position).end(instance, event, 'handled', position);
  }

  signal(instance: string, event: string): this {
    const run = `${instance} ${event} 0:${eventOf(event).sequence}`;
    return this.#add({ kind: 'signal', instance, run, reason: 'lost' });
  }

  life(instance: string, is: 'up' | 'leaving' | 'gone' | 'crashed' | 'frozen' | 'blocked' | 'thawed'): this {
    return this.#add({ kind: 'life', instance, is });
  }

  fault(fault: string, instance?: string): this {
    return this.#add({ kind: 'fault', fault, phase: 'begin', ...(instance === undefined ? {} : { instance }) });
  }

  misuse(instance: string): this {
    return this.#add({ kind: 'misuse', instance, what: 'the database is closed' });
  }

  /** The broker holds everything before this order of source 0 for settled. */
  settled(before: number, inFlight?: number): this {
    return this.#add({ kind: 'settled', source: '0', before, ...(inFlight === undefined ? {} : { inFlight }) });
  }

  /** @param telling the log is @default every confirmed event, in order, in source 0 at its sequence */
  verdict(telling: Telling = {}): Verdict {
    const { deadLetters = [], unsettled = 0, duplicatesPerCause = 10, stalledAfterMs = 60_000 } = telling;
    const view = { stored: this.#stored(telling.log), deadLetters: new Set(deadLetters), unsettled };
    return judge(this.records, view, { duplicatesPerCause, stalledAfterMs });
  }

  #stored(log: readonly string[] | undefined): StoredEvent[] {
    const lines = log ?? this.#confirmed().map((event) => `0:${event.sequence} ${idOf(event)}`);
    return lines.map((line) => {
      const [position = '', id = ''] = line.split(' ');
      const [source = '', order] = position.split(':');
      return { ...eventOf(id), position, source, order: Number(order) };
    });
  }

  #confirmed(): { key: string; sequence: number }[] {
    return this.records.flatMap((record) =>
      record.kind === 'publish' && record.outcome === 'confirmed'
        ? [{ key: record.key, sequence: record.sequence }]
        : [],
    );
  }

  #add(record: Omitted<HistoryRecord>): this {
    this.#atMs += 1;
    this.records.push({ ...record, atMs: this.#atMs });
    return this;
  }
}

type Omitted<T> = T extends unknown ? Omit<T, 'atMs'> : never;

/** `a:3` is the third event of key a. */
function eventOf(text: string): { key: string; sequence: number } {
  const [key = '', sequence] = text.split(':');
  return { key, sequence: Number(sequence) };
}

export const history = (): HistoryBuilder => new HistoryBuilder();
