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
} as const;
