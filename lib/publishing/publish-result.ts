import type { Position } from '../transport/message.js';

/** How a publish ended. Each ends in exactly one of these. */
export type PublishResult = ConfirmedPublish | FailedPublish;

interface PublishFacts {
  readonly id: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly type: string;
  /** When it ended, milliseconds since the epoch. */
  readonly time: number;
}

/** The broker has it. */
export interface ConfirmedPublish extends PublishFacts {
  readonly outcome: 'confirmed';
  readonly position: Position;
  /** The broker had it already, under the same id (NATS, within the duplicate window). */
  readonly duplicate: boolean;
}

/** `rejected`: certainly not stored. `unknown`: timed out or cut off, may be stored; publish again with the same id. */
export interface FailedPublish extends PublishFacts {
  readonly outcome: 'rejected' | 'unknown';
  readonly error: Error;
}

/** What `enqueue` says: taken in, or why not. Only what is accepted ends in a publish result. */
export type EnqueueResult =
  | { readonly accepted: true; readonly id: string }
  | { readonly accepted: false; readonly reason: 'full' | 'closing' | 'invalid'; readonly error: Error };

/** One event for `publishMany`. */
export interface PublishRequest<Options> {
  readonly topic: string;
  readonly data: unknown;
  readonly options?: Options;
}
