import { channel } from 'node:diagnostics_channel';

/** An attempt has failed and the event will be tried again. */
export interface RetryDiagnostic {
  readonly bus: string;
  readonly group: string;
  readonly topic: string;
  readonly eventId: string;
  readonly handler: string;
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/** An event was given up on. `stored` is false while its dead letter cannot be stored. */
export interface DeadLetterDiagnostic {
  readonly bus: string;
  readonly group: string;
  readonly topic: string;
  readonly eventId: string | undefined;
  readonly handler: string;
  readonly attempts: number;
  readonly stored: boolean;
  readonly error: unknown;
}

/** A handler's attempt began or ended. Published only while somebody subscribes. */
export interface DispatchDiagnostic {
  readonly bus: string;
  readonly group: string;
  readonly topic: string;
  readonly eventId: string;
  readonly handler: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly outcome: 'handled' | 'failed';
}

/** A publish has ended. */
export interface PublishDiagnostic {
  readonly bus: string;
  readonly topic: string;
  readonly eventId: string;
  readonly outcome: 'confirmed' | 'rejected' | 'unknown';
  readonly durationMs: number;
}

/** A delivery was settled. */
export interface SettleDiagnostic {
  readonly bus: string;
  readonly group: string;
  readonly topic: string;
}

/** A pool's queue has been full for longer than `saturatedAfterMs`. */
export interface SaturationDiagnostic {
  readonly bus: string;
  readonly pool: string;
  readonly waiting: number;
  readonly sinceMs: number;
}

/** The connection to the broker changed. */
export interface TransportStatusDiagnostic {
  readonly bus: string;
  readonly transport: string;
  readonly status: 'connecting' | 'connected' | 'disconnected' | 'closed';
  readonly error?: unknown;
}

/**
 * What holds a stall up:
 * - handler: it has run for long · backoff: it fails and is tried again · dead-letter: it cannot be stored
 * - paused: its group, on purpose · lease: nobody knows whether the source is still ours · settle: at-most-once events cannot be settled
 * - credit: the queues are full of others' events, or the transport's own bound is reached · workers: all run something else
 * - broker: it is away · transport: there is credit and a lag, and nothing arrives
 */
export type StallHolder =
  'handler' | 'backoff' | 'dead-letter' | 'paused' | 'lease' | 'settle' | 'credit' | 'workers' | 'broker' | 'transport';

/** A handler, a key or a source that makes no progress. */
export interface StallDiagnostic {
  readonly bus: string;
  /** Each stall begins once, and ends once: at its next progress, when its source is given up, or when the bus shuts down. */
  readonly phase: 'began' | 'ended';
  /** A handler that runs, the event of a key that does not get on, or a source that is behind. */
  readonly kind: 'handler' | 'key' | 'source';
  readonly group: string;
  readonly source: string;
  /** Undefined for a source. */
  readonly handler: string | undefined;
  /** Undefined for a source. */
  readonly topic: string | undefined;
  readonly key: string | undefined;
  /** Without progress, in milliseconds. */
  readonly forMs: number;
  readonly heldBy: StallHolder;
  /** The same in words. */
  readonly why: string;
}

/** The event loop was blocked, or the process stopped: nothing of it ran meanwhile, heartbeats and leases included. */
export interface EventLoopBlockedDiagnostic {
  readonly bus: string;
  /** For how long, in milliseconds. */
  readonly blockedMs: number;
}

/** One event that a deadline has left, or cut off, unfinished. */
export interface LeftBehindEvent {
  /** `Class.method`, or `none`. */
  readonly handler: string;
  readonly group: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly eventId: string | undefined;
  /** Attempts begun. */
  readonly attempt: number;
  /** Since it was delivered, in milliseconds. */
  readonly ageMs: number;
  /** How long its handler has been running, in milliseconds; undefined when it was not. */
  readonly runningForMs: number | undefined;
  /** Whether it still runs, or was dropped unrun or between two attempts. */
  readonly state: 'running' | 'dropped';
  /** At-most-once and dropped: it was settled already and will not come again. */
  readonly isLost: boolean;
}

/** A deadline has passed, or a source was lost, with events unfinished. They come again, but for those that are `isLost`. */
export interface LeftBehindDiagnostic {
  readonly bus: string;
  /** `shutdown`: the drain deadline of the bus. `rebalance`: that of a source that moves. `loss`: a source went without a drain. */
  readonly why: 'shutdown' | 'rebalance' | 'loss';
  /** The source; undefined = all. */
  readonly source: string | undefined;
  readonly events: readonly LeftBehindEvent[];
}

/** A handler may still be running while the next event of its key runs, here or on another instance: an exception to the order of its key. */
export interface OverlapDiagnostic {
  readonly bus: string;
  /**
   * - `timeout`: `onTimeout: 'dead-letter'` gave it up, and the lane goes on
   * - `deadline`: it ran at the deadline of a drain, at shutdown or at a rebalance
   * - `loss`: it ran when its source was lost
   */
  readonly why: 'timeout' | 'deadline' | 'loss';
  readonly group: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly eventId: string | undefined;
  readonly handler: string;
  readonly attempt: number;
}

/** Kafka: what has become of a commit's memory of events that were done past the first one that was not. */
export interface ProgressMapDiagnostic {
  readonly bus: string;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /**
   * - `taken`: a new owner believes it and skips what it says
   * - `refused`: it does not, and handles these events again
   * - `truncated`: it did not fit whole into a commit; what was left out would be handled again
   * - `full`: the partition stops fetching before it comes to that
   */
  readonly outcome: 'taken' | 'refused' | 'truncated' | 'full';
  /** Why it was refused. */
  readonly reason: string | undefined;
  /** `taken`: how many it says are done. `truncated`: how many were left out. Else 0. */
  readonly events: number;
}

/** A consumer that was connected and got nothing, although it should have, was replaced by a new one. */
export interface RevivalDiagnostic {
  readonly bus: string;
  readonly transport: string;
  readonly group: string;
  /** What it was deaf on. */
  readonly source: string;
  /** For how long, in milliseconds. */
  readonly silentMs: number;
  /** How many there were in this group, this one included. */
  readonly revivals: number;
}

/**
 * The library's `node:diagnostics_channel` channels, for metrics and tracing outside the hot path. Publish only when
 * `hasSubscribers` says that somebody listens.
 */
export const diagnostics = {
  dispatch: channel('event-bus:dispatch'),
  publish: channel('event-bus:publish'),
  settle: channel('event-bus:settle'),
  retry: channel('event-bus:retry'),
  deadLetter: channel('event-bus:dead-letter'),
  saturated: channel('event-bus:pool:saturated'),
  transportStatus: channel('event-bus:transport:status'),
  leftBehind: channel('event-bus:left-behind'),
  overlap: channel('event-bus:overlap'),
  stall: channel('event-bus:stall'),
  eventLoopBlocked: channel('event-bus:event-loop:blocked'),
  progressMap: channel('event-bus:kafka:progress-map'),
  revival: channel('event-bus:transport:revival'),
} as const;
