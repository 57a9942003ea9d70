/** An event of a run: its key, and its number among the events of that key, from 1, in the order of publishing. */
export interface EventName {
  readonly key: string;
  readonly sequence: number;
}

/** A handler was entered. */
export interface StartRecord extends EventName {
  readonly kind: 'start';
  readonly instance: string;
  /** Unique in the run; its end has the same. */
  readonly run: string;
  readonly attempt: number;
  /** Where the broker has it, as in `StoredEvent`. */
  readonly position: string;
  readonly atMs: number;
}

/** It has ended: `handled`, `failed` (to be tried again) or `refused` (to become a dead letter). */
export interface EndRecord {
  readonly kind: 'end';
  readonly instance: string;
  readonly run: string;
  readonly outcome: 'handled' | 'failed' | 'refused';
  readonly atMs: number;
}

/** The signal of a running handler was raised: it may overlap with its successor from now on. */
export interface SignalRecord {
  readonly kind: 'signal';
  readonly instance: string;
  readonly run: string;
  readonly reason: string;
  readonly atMs: number;
}

/** A publish has ended. */
export interface PublishRecord extends EventName {
  readonly kind: 'publish';
  readonly outcome: 'confirmed' | 'rejected' | 'unknown';
  /** The class of the error, when there is one. */
  readonly error?: string;
  readonly atMs: number;
}

/** What the broker says of a source: everything before `before` is settled. Written after it was read. */
export interface SettledRecord {
  readonly kind: 'settled';
  readonly source: string;
  /** The first order in the source that is not settled. */
  readonly before: number;
  /** Delivered and not settled, where the broker says so. */
  readonly inFlight?: number;
  readonly atMs: number;
}

/** A fault begins, right before it is inflicted, or is over. */
export interface FaultRecord {
  readonly kind: 'fault';
  readonly fault: string;
  readonly phase: 'begin' | 'end';
  /** Which one it is for; undefined = everybody. */
  readonly instance?: string;
  readonly atMs: number;
}

/**
 * An instance's life: `up` it consumes, `leaving` it was told to end, `gone` nothing of it runs any more, `crashed` the same and nobody told it
 * to; `frozen` (by a signal) and `blocked` (by itself) it stands still from now on, and what runs may overlap; `thawed` it goes on.
 */
export interface LifeRecord {
  readonly kind: 'life';
  readonly instance: string;
  readonly is: 'up' | 'leaving' | 'gone' | 'crashed' | 'frozen' | 'blocked' | 'thawed';
  readonly atMs: number;
}

/** Something that must never happen, seen by an instance itself: a handler after the application's own modules were destroyed. */
export interface MisuseRecord {
  readonly kind: 'misuse';
  readonly instance: string;
  readonly what: string;
  readonly atMs: number;
}

/** What a process holds, after a garbage collection. */
export interface SampleRecord {
  readonly kind: 'sample';
  readonly instance: string;
  readonly heapBytes: number;
  readonly handles: number;
  readonly timers: number;
  readonly listeners: number;
  /** What its wall clock says. */
  readonly wallMs: number;
  readonly atMs: number;
}

/** One line of a run's history; the order of the lines is the order of events. Times are monotonic milliseconds, the same clock in all processes. */
export type HistoryRecord =
  | StartRecord
  | EndRecord
  | SignalRecord
  | PublishRecord
  | SettledRecord
  | FaultRecord
  | LifeRecord
  | MisuseRecord
  | SampleRecord;

/** An event as it stands in the broker's log. */
export interface StoredEvent extends EventName {
  /** Where it lies in order: a Kafka partition, the subjects of a JetStream consumer. */
  readonly source: string;
  /** Ascending in a source. */
  readonly order: number;
  /** Unique in the log; `<source>:<order>` where the reader of an event can know its source. */
  readonly position: string;
}

/** Milliseconds of the machine's monotonic clock, the same in every process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** The line of a record, with its end. */
export function lineOf(record: HistoryRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The event's id on the wire. */
export function idOf({ key, sequence }: EventName): string {
  return `${key}:${sequence}`;
}

/** @throws Error for an id that `idOf` did not make */
export function eventOf(id: string): EventName {
  const at = id.lastIndexOf(':');
  const sequence = Number(id.slice(at + 1));
  if (at < 1 || !Number.isInteger(sequence)) throw new Error(`not an event of a run: "${id}"`);
  return { key: id.slice(0, at), sequence };
}
