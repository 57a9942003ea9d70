import { monotonicNow } from './core/clock.js';
import type { HandleState } from './core/handle-register.js';
import type { Totals } from './dispatch/totals.js';
import type { ConsumerSnapshot, PoolSnapshot } from './dispatch/dispatcher.snapshot.js';
import type { LeftBehindSnapshot } from './dispatch/left-behind.js';
import type { StallSnapshot } from './dispatch/stall.js';
import type { BusParts } from './event-bus.assembly.js';
import type { EventLoopSnapshot } from './event-bus.loop-watch.js';
import type { ConnectionStatus } from './transport/transport.js';

/**
 * idle → starting → running → draining → publishing-only → closed. Under `consume: false`: running without consumers. `failed` comes after
 * starting, when something went wrong that trying again cannot mend and the application was up already: the bus tries no more.
 */
export type LifecycleState = 'idle' | 'starting' | 'running' | 'failed' | 'draining' | 'publishing-only' | 'closed';

export type { ConsumerSnapshot, EventLoopSnapshot, LeftBehindSnapshot, PoolSnapshot, StallSnapshot };

/** What a bus is doing: live state only, nothing is asked of the broker. What health reads. */
export interface BusSnapshot {
  readonly bus: string;
  readonly group: string | undefined;
  readonly state: LifecycleState;
  readonly stateSince: number;
  /** Why the bus could not start, for good; undefined unless that is so. */
  readonly failure: Error | undefined;
  readonly now: number;
  readonly transport: {
    readonly name: string;
    readonly status: ConnectionStatus;
    readonly details: Readonly<Record<string, unknown>>;
  };
  readonly pools: { readonly global: PoolSnapshot; readonly keyed: PoolSnapshot };
  readonly ack: {
    readonly pending: number;
    readonly pendingBytes: number;
    readonly oldestSince: number | undefined;
    readonly resultsWaiting: number;
    /** Moving average of publish-to-confirm, in milliseconds. */
    readonly recentLatencyMs: number | undefined;
  };
  readonly consumers: readonly ConsumerSnapshot[];
  readonly stalls: readonly StallSnapshot[];
  readonly totals: Readonly<Totals> & {
    readonly published: number;
    readonly rejected: number;
    readonly unknown: number;
  };
  /** Since when dead letters cannot be stored; undefined when they can. */
  readonly deadLettersFailingSince: number | undefined;
  /** What the last drain deadline that passed, or loss of a source, has left unfinished; undefined when none has. Stays after `close`. */
  readonly leftBehind: LeftBehindSnapshot | undefined;
  /** Undefined until the event loop was blocked for longer than `blockedAfterMs`. */
  readonly eventLoop: EventLoopSnapshot | undefined;
  readonly handles: readonly HandleState[];
  readonly consuming: boolean;
  readonly consumesByOption: boolean;
}

/** What only the lifecycle knows. */
export type LifecycleFacts = Pick<
  BusSnapshot,
  'bus' | 'group' | 'state' | 'stateSince' | 'failure' | 'eventLoop' | 'consuming' | 'consumesByOption'
>;

/** Reads what the parts of a bus keep anyway. */
export function snapshotOf(parts: BusParts, facts: LifecycleFacts): BusSnapshot {
  const { transport, dispatcher, publisher, handles } = parts;
  const { totals, ...dispatched } = dispatcher.snapshot();
  const { name, status } = transport;
  return {
    ...facts,
    ...dispatched,
    now: monotonicNow(),
    transport: { name, status, details: transport.details() },
    ack: publisher.snapshot,
    totals: { ...totals, ...publisher.totals },
    handles: handles.list(),
  };
}
