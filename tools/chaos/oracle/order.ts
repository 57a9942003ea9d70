import type { EndRecord, EventName, HistoryRecord, LifeRecord, StartRecord } from '../records.js';

/**
 * - `completed-late`: it was first completed after a later one of its key was
 * - `overlap`: it was started while another handler of its key ran
 */
export interface OrderViolation extends EventName {
  readonly kind: 'completed-late' | 'overlap';
  /** The other event's sequence. */
  readonly other: number;
  readonly instance: string;
  /** The one that ran, or had completed, the other. */
  readonly otherInstance: string;
  readonly atMs: number;
}

/** Overlaps that the guarantees name as exceptions, counted by the handler that ran on. */
export interface Excused {
  /** It ran, or was just being started, when its process was stopped or its event loop was blocked. */
  readonly frozen: number;
  /** Its signal had been raised: ownership or lease lost, drain deadline, time-out. */
  readonly signalled: number;
}

interface Running {
  readonly start: StartRecord;
  excuse?: 'frozen' | 'signalled';
}

interface Line {
  readonly running: Map<string, Running>;
  /** By sequence: 1 once it was completed. */
  done: Uint8Array;
  highest: number;
  highestBy: string;
}

const FIRST_SEQUENCES = 64;

/** Judges the order of each key, within and across instances, record by record. */
export class OrderJudge {
  readonly violations: OrderViolation[] = [];
  readonly #lines = new Map<string, Line>();
  readonly #runs = new Map<string, { readonly line: Line; readonly running: Running }>();
  readonly #runsByInstance = new Map<string, Set<string>>();
  readonly #excused = { frozen: new Set<string>(), signalled: new Set<string>() };
  /** Killed or ended: what they still write was on its way. */
  readonly #gone = new Set<string>();
  /** Stopped by a signal, and nothing written since: what they write first may have been begun before. */
  readonly #interrupted = new Set<string>();

  get excused(): Excused {
    return { frozen: this.#excused.frozen.size, signalled: this.#excused.signalled.size };
  }

  /** Handlers that run now, of one instance or of all. */
  running(instance?: string): number {
    return instance === undefined ? this.#runs.size : (this.#runsByInstance.get(instance)?.size ?? 0);
  }

  take(record: HistoryRecord): void {
    if (record.kind === 'start') this.#started(record);
    else if (record.kind === 'end') this.#ended(record);
    else if (record.kind === 'signal') this.#excuse(record.run, 'signalled');
    else if (record.kind === 'life') this.#lived(record);
  }

  #started(start: StartRecord): void {
    const line = this.#lineOf(start.key);
    const running: Running = this.#interrupted.delete(start.instance) ? { start, excuse: 'frozen' } : { start };
    for (const [run, other] of line.running) {
      if (other.excuse !== undefined) this.#excused[other.excuse].add(run);
      else if (running.excuse !== undefined) this.#excused[running.excuse].add(start.run);
      else this.#violate('overlap', start, other.start.sequence, other.start.instance);
    }
    this.#runs.set(start.run, { line, running });
    if (this.#gone.has(start.instance)) return;
    line.running.set(start.run, running);
    const runs = this.#runsByInstance.get(start.instance) ?? new Set();
    this.#runsByInstance.set(start.instance, runs.add(start.run));
  }

  #ended({ run, outcome, instance, atMs }: EndRecord): void {
    this.#interrupted.delete(instance);
    const found = this.#runs.get(run);
    if (found === undefined) return;
    const { line, running } = found;
    this.#runs.delete(run);
    this.#runsByInstance.get(instance)?.delete(run);
    line.running.delete(run);
    if (outcome === 'failed') return;

    const { sequence } = running.start;
    if (line.done[sequence] === 1) return;
    if (sequence < line.highest) {
      this.#violate('completed-late', { ...running.start, atMs }, line.highest, line.highestBy);
    }
    if (sequence >= line.done.length) line.done = grown(line.done, sequence);
    line.done[sequence] = 1;
    if (sequence > line.highest) [line.highest, line.highestBy] = [sequence, instance];
  }

  #lived({ instance, is }: LifeRecord): void {
    if (is === 'frozen') this.#interrupted.add(instance);
    if (is === 'frozen' || is === 'blocked')
      for (const run of this.#runsByInstance.get(instance) ?? []) this.#excuse(run, 'frozen');
    if (is !== 'gone' && is !== 'crashed') return;
    this.#gone.add(instance);
    for (const run of this.#runsByInstance.get(instance) ?? []) this.#runs.get(run)?.line.running.delete(run);
    for (const run of this.#runsByInstance.get(instance) ?? []) this.#runs.delete(run);
    this.#runsByInstance.delete(instance);
  }

  #excuse(run: string, why: 'frozen' | 'signalled'): void {
    const found = this.#runs.get(run);
    if (found !== undefined) found.running.excuse ??= why;
  }

  #violate(kind: OrderViolation['kind'], of: StartRecord, other: number, otherInstance: string): void {
    const { key, sequence, instance, atMs } = of;
    this.violations.push({ kind, key, sequence, other, instance, otherInstance, atMs });
  }

  #lineOf(key: string): Line {
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const line: Line = { running: new Map(), done: new Uint8Array(FIRST_SEQUENCES), highest: 0, highestBy: '' };
    this.#lines.set(key, line);
    return line;
  }
}

function grown(done: Uint8Array, sequence: number): Uint8Array {
  const larger = new Uint8Array(Math.max(done.length * 2, sequence + 1));
  larger.set(done);
  return larger;
}
