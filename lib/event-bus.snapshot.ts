import { monotonicNow } from './core/clock.js';
import type { HandleState } from './core/handle-register.js';
import type { Totals } from './dispatch/totals.js';
import type { ConsumerSnapshot, PoolSnapshot, StallSnapshot } from './dispatch/dispatcher.snapshot.js';
import type { LeftBehindSnapshot } from './dispatch/left-behind.js';
import type { BusParts } from './event-bus.assembly.js';
import type { ConnectionStatus } from './transport/transport.js';

/** idle → starting → running → draining → publishing-only → closed. Under `consume: false`: running without consumers. */
export type LifecycleState = 'idle' | 'starting' | 'running' | 'draining' | 'publishing-only' | 'closed';

export type { ConsumerSnapshot, LeftBehindSnapshot, PoolSnapshot, StallSnapshot };

/** What a bus is doing: live state only, nothing is asked of the broker. What health reads. */
export interface BusSnapshot {
  readonly bus: string;
  readonly group: string | undefined;
  readonly state: LifecycleState;
  readonly stateSince: number;
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
  readonly handles: readonly HandleState[];
  readonly consuming: boolean;
  readonly consumesByOption: boolean;
}

/** What only the lifecycle knows. */
export type LifecycleFacts = Pick<
  BusSnapshot,
  'bus' | 'group' | 'state' | 'stateSince' | 'consuming' | 'consumesByOption'
>;

/** A source that is behind is not called stalled before it has made no progress for so long, in milliseconds. */
const SOURCE_STALL_MS = 60_000;

/** Reads what the parts of a bus keep anyway. @param isPaused whether a group was paused on purpose */
export function snapshotOf(parts: BusParts, facts: LifecycleFacts, isPaused: (group: string) => boolean): BusSnapshot {
  const { transport, dispatcher, publisher, handles } = parts;
  const { pools, consumers, stalls, totals, deadLettersFailingSince, leftBehind } = dispatcher.snapshot();
  const { name, status } = transport;
  const now = monotonicNow();
  const stalledSources = consumers.filter((consumer) => !isPaused(consumer.group) && isStalled(consumer, now));
  return {
    ...facts,
    now,
    transport: { name, status, details: transport.details() },
    pools,
    ack: publisher.snapshot,
    consumers,
    stalls: [
      ...stalls,
      ...stalledSources.map((source) => ({ what: source.name, since: source.lastProgressAt ?? now })),
    ],
    totals: { ...totals, ...publisher.totals },
    deadLettersFailingSince,
    leftBehind,
    handles: handles.list(),
  };
}

function isStalled({ lag = 0, inFlight, lastProgressAt }: ConsumerSnapshot, now: number): boolean {
  return lag > 0 && inFlight === 0 && lastProgressAt !== undefined && now - lastProgressAt > SOURCE_STALL_MS;
}
