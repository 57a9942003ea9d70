import type { PublishResult } from '../publishing/publish-result.js';
import type { EventIdentity, EventRecord, RunIdentity } from './records.js';
import { judge, type Verdict } from './verdict.js';

/** A handler's attempt that has begun. */
export interface RecordedRun {
  /** @param outcome `handled` when it succeeded */
  ended(outcome: 'handled' | 'failed'): void;
}

/**
 * Keeps what happened to every event of a test, and says at the end what was lost, duplicated or out of order. One recorder may serve several
 * buses and instances; it keeps everything, so it is for tests. Events need a number each, ascending per topic and key.
 */
export class EventRecorder {
  readonly #records: EventRecord[] = [];
  #runs = 0;

  /** @param outcome how its publish ended: what `publish` resolved with, or the word */
  published(event: EventIdentity, outcome: PublishResult | PublishResult['outcome'] = 'confirmed'): void {
    const word = typeof outcome === 'string' ? outcome : outcome.outcome;
    this.#records.push({ ...identityOf(event), kind: 'published', outcome: word });
  }

  /** A handler was entered; say how it ends. */
  started(run: RunIdentity): RecordedRun {
    this.#runs += 1;
    const name = `${run.instance ?? ''}#${this.#runs}`;
    this.#records.push({ ...run, kind: 'started', run: name });
    return { ended: (outcome) => void this.#records.push({ kind: 'ended', run: name, outcome }) };
  }

  /** Runs a handler's work and records its start and its end; resolves or rejects as the work does. */
  async run<T>(identity: RunIdentity, work: () => T | Promise<T>): Promise<T> {
    const run = this.started(identity);
    try {
      const result = await work();
      run.ended('handled');
      return result;
    } catch (error) {
      run.ended('failed');
      throw error;
    }
  }

  /** A dead letter of the event is stored. */
  deadLettered(event: EventIdentity, group?: string): void {
    this.#records.push({ ...identityOf(event), kind: 'dead-lettered', group });
  }

  /** Takes over records of another process. Their run names must be unique among all. */
  add(records: Iterable<EventRecord>): void {
    for (const record of records) this.#records.push(record);
  }

  /** Everything so far, in the order in which it happened. */
  get records(): readonly EventRecord[] {
    return this.#records;
  }

  /** Completions so far: an event that was handled twice counts twice. */
  get completions(): number {
    return this.#records.filter((record) => record.kind === 'ended' && record.outcome === 'handled').length;
  }

  /** What became of the events. @param group only what this group did @default all */
  verdict(group?: string): Verdict {
    return judge(this.#records, group);
  }
}

function identityOf({ topic, key, sequence }: EventIdentity): EventIdentity {
  return { topic, key, sequence };
}
