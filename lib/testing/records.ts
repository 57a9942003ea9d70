/** What tells one event from another: its topic, its key (undefined = none), and its number among the events of that key. */
export interface EventIdentity {
  readonly topic: string;
  readonly key: string | undefined;
  /** In the order of publishing, per topic and key; any ascending numbers will do. */
  readonly sequence: number;
}

/** A publish has ended. */
export interface PublishedRecord extends EventIdentity {
  readonly kind: 'published';
  readonly outcome: 'confirmed' | 'rejected' | 'unknown';
}

/** Which attempt of which handler. */
export interface RunIdentity extends EventIdentity {
  /** @default '' */
  readonly group?: string | undefined;
  /** Tells several handlers of a group apart. @default '' */
  readonly handler?: string | undefined;
  /** Which instance of the application. @default '' */
  readonly instance?: string | undefined;
  /** @default 1 */
  readonly attempt?: number | undefined;
}

/** A handler was entered. */
export interface StartedRecord extends RunIdentity {
  readonly kind: 'started';
  /** Unique among all records; its end has the same. */
  readonly run: string;
}

/** It has ended: `handled` when it succeeded. */
export interface EndedRecord {
  readonly kind: 'ended';
  readonly run: string;
  readonly outcome: 'handled' | 'failed';
}

/** A dead letter of the event was stored. */
export interface DeadLetteredRecord extends EventIdentity {
  readonly kind: 'dead-lettered';
  /** @default '' */
  readonly group?: string | undefined;
}

/** One line of a run's history. Plain data: may be written to a file and read back. */
export type EventRecord = PublishedRecord | StartedRecord | EndedRecord | DeadLetteredRecord;
