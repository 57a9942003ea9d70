import type { EventIdentity, EventRecord, PublishedRecord, StartedRecord } from './records.js';

/** An event that was handled to the end more often than once. */
export interface Duplicate extends EventIdentity {
  readonly group: string;
  readonly handler: string;
  /** Completions after the first. */
  readonly extra: number;
}

/**
 * - `completed-late`: it was first completed after a later one of its key was
 * - `overlap`: it was started while another handler of its key ran
 */
export interface OrderViolation extends EventIdentity {
  readonly group: string;
  readonly kind: 'completed-late' | 'overlap';
  /** The other event's sequence. */
  readonly other: number;
}

/** What became of the events of a run. */
export interface Verdict {
  readonly published: number;
  readonly confirmed: number;
  /** Events handled to the end, each counted once. */
  readonly handled: number;
  readonly deadLettered: number;
  /** Confirmed, and never handled to the end nor dead-lettered. */
  readonly lost: readonly EventIdentity[];
  readonly duplicates: readonly Duplicate[];
  readonly orderViolations: readonly OrderViolation[];
  /** Never handled to the end although a later one of its key was: what a dead letter leaves. No violation in itself. */
  readonly gaps: readonly EventIdentity[];
}

/** Judges a history, in the order in which things happened. @param group only what this group did; all groups when there is but one */
export function judge(records: readonly EventRecord[], group?: string): Verdict {
  const judgement = new Judgement(group);
  for (const record of records) judgement.take(record);
  return judgement.verdict();
}

/** What is known of one (group, handler, topic, key). */
interface Line {
  readonly running: Map<string, StartedRecord>;
  /** Sequence → how often it was completed. */
  readonly completions: Map<number, number>;
  readonly identity: StartedRecord;
  highest: number;
}

class Judgement {
  readonly #published: PublishedRecord[] = [];
  readonly #lines = new Map<string, Line>();
  /** Run → its line; here only while it runs. */
  readonly #runs = new Map<string, Line>();
  readonly #handled = new Set<string>();
  readonly #dead = new Set<string>();
  /** Topic and key → the highest sequence that was completed. */
  readonly #highest = new Map<string, number>();
  readonly #violations: OrderViolation[] = [];

  constructor(private readonly group: string | undefined) {}

  take(record: EventRecord): void {
    if (record.kind === 'published') this.#published.push(record);
    else if (record.kind === 'ended') this.#ended(record.run, record.outcome);
    else if (this.group !== undefined && this.group !== (record.group ?? '')) return;
    else if (record.kind === 'started') this.#started(record);
    else this.#dead.add(nameOf(record));
  }

  verdict(): Verdict {
    const isHandled = (event: EventIdentity): boolean => this.#handled.has(nameOf(event));
    const confirmed = this.#published.filter(({ outcome }) => outcome === 'confirmed');
    return {
      published: this.#published.length,
      confirmed: confirmed.length,
      handled: this.#handled.size,
      deadLettered: this.#dead.size,
      lost: confirmed.filter((event) => !isHandled(event) && !this.#dead.has(nameOf(event))).map(identityOf),
      duplicates: [...this.#lines.values()].flatMap(duplicatesOf),
      orderViolations: this.#violations,
      gaps: this.#published.filter((event) => !isHandled(event) && this.#isOvertaken(event)).map(identityOf),
    };
  }

  #started(record: StartedRecord): void {
    const line = this.#lineOf(record);
    const [other] = line.running.values();
    if (other !== undefined && record.key !== undefined) this.#violate(record, 'overlap', other.sequence);
    line.running.set(record.run, record);
    this.#runs.set(record.run, line);
  }

  #ended(run: string, outcome: 'handled' | 'failed'): void {
    const line = this.#runs.get(run);
    const started = line?.running.get(run);
    if (line === undefined || started === undefined) return;
    this.#runs.delete(run);
    line.running.delete(run);
    if (outcome === 'handled') this.#completed(line, started);
  }

  #completed(line: Line, run: StartedRecord): void {
    const { sequence } = run;
    const before = line.completions.get(sequence) ?? 0;
    line.completions.set(sequence, before + 1);
    this.#handled.add(nameOf(run));
    if (before === 0 && sequence < line.highest && run.key !== undefined) {
      this.#violate(run, 'completed-late', line.highest);
    }
    line.highest = Math.max(line.highest, sequence);
    const stream = streamOf(run);
    this.#highest.set(stream, Math.max(this.#highest.get(stream) ?? sequence, sequence));
  }

  #isOvertaken(event: PublishedRecord): boolean {
    if (event.key === undefined || event.outcome === 'rejected') return false;
    return event.sequence < (this.#highest.get(streamOf(event)) ?? event.sequence);
  }

  #violate(run: StartedRecord, kind: OrderViolation['kind'], other: number): void {
    this.#violations.push({ ...identityOf(run), group: run.group ?? '', kind, other });
  }

  #lineOf(record: StartedRecord): Line {
    const name = JSON.stringify([record.group ?? '', record.handler ?? '', streamOf(record)]);
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const line: Line = {
      running: new Map(),
      completions: new Map(),
      identity: record,
      highest: Number.NEGATIVE_INFINITY,
    };
    this.#lines.set(name, line);
    return line;
  }
}

function duplicatesOf({ completions, identity }: Line): Duplicate[] {
  const { topic, key, group = '', handler = '' } = identity;
  return [...completions]
    .filter(([, times]) => times > 1)
    .map(([sequence, times]) => ({ topic, key, sequence, group, handler, extra: times - 1 }));
}

function identityOf({ topic, key, sequence }: EventIdentity): EventIdentity {
  return { topic, key, sequence };
}

function streamOf({ topic, key }: EventIdentity): string {
  return JSON.stringify([topic, key ?? null]);
}

function nameOf(event: EventIdentity): string {
  return `${event.sequence}@${streamOf(event)}`;
}
