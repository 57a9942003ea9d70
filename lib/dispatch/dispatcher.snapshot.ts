import { monotonicNow } from '../core/clock.js';
import type { WorkerPool } from '../pools/worker-pool.js';
import type { DeadLetters } from './dead-letters.js';
import type { LeftBehindReport, LeftBehindSnapshot } from './left-behind.js';
import { DeliveryTask } from './delivery-task.js';
import type { OwnedSource, SourceStops } from './owned-source.js';
import type { StallSnapshot } from './stall.js';
import type { StallWatch } from './stall-watch.js';
import type { Totals } from './totals.js';

/** One pool as health shows it. Times in monotonic milliseconds. */
export interface PoolSnapshot {
  readonly workers: number;
  readonly running: number;
  readonly waiting: number;
  readonly backingOff: number;
  readonly keys: number;
  readonly saturatedSince: number | undefined;
  readonly longestRunning:
    | { readonly handler: string; readonly topic: string; readonly key: string | undefined; readonly since: number }
    | undefined;
}

/** One source as health shows it. */
export interface ConsumerSnapshot {
  readonly name: string;
  readonly group: string;
  readonly inFlight: number;
  readonly lag: number | undefined;
  readonly lastProgressAt: number | undefined;
  /** Whether it is this process's: `unsure` while its lease has run out and nothing has renewed it; nothing of it starts then. */
  readonly lease: 'held' | 'unsure' | 'lost';
  /** The key whose waiting events stopped the source, if one did. */
  readonly blockedByKey: string | undefined;
  /** How often it stopped fetching since it is this process's, by what stopped it: the pool's queue, the bytes of all, a key with too many waiting. */
  readonly stops: Readonly<SourceStops>;
}

/** What the dispatcher knows, at the moment it is asked. */
export interface DispatcherSnapshot {
  readonly pools: { readonly global: PoolSnapshot; readonly keyed: PoolSnapshot };
  readonly consumers: readonly ConsumerSnapshot[];
  /** As of the last look for them. */
  readonly stalls: readonly StallSnapshot[];
  readonly totals: Readonly<Totals>;
  /** Since when dead letters cannot be stored; undefined when they can. */
  readonly deadLettersFailingSince: number | undefined;
  /** What the last deadline that passed has left unfinished; undefined when none has. */
  readonly leftBehind: LeftBehindSnapshot | undefined;
}

/** What the snapshot is taken of. */
export interface SnapshotParts {
  readonly pools: { readonly global: WorkerPool; readonly keyed: WorkerPool };
  readonly sources: Iterable<OwnedSource>;
  readonly stalls: StallWatch;
  readonly totals: Totals;
  readonly deadLetters: DeadLetters;
  readonly report: LeftBehindReport;
}

/** Reads what is kept anyway. */
export function snapshotOf({ pools, sources, stalls, totals, deadLetters, report }: SnapshotParts): DispatcherSnapshot {
  return {
    pools: { global: poolOf(pools.global), keyed: poolOf(pools.keyed) },
    consumers: [...sources].map(consumerOf),
    stalls: stalls.stalls,
    totals: { ...totals },
    deadLettersFailingSince: deadLetters.failingSince,
    leftBehind: report.last,
  };
}

function poolOf({ state }: WorkerPool): PoolSnapshot {
  const { workers, running, waiting, backingOff, keys, saturatedSince } = state;
  return { workers, running, waiting, backingOff, keys, saturatedSince, longestRunning: longestOf(state) };
}

function longestOf({
  oldestRunning,
  oldestRunningSince = monotonicNow(),
}: WorkerPool['state']): PoolSnapshot['longestRunning'] {
  if (!(oldestRunning instanceof DeliveryTask)) return undefined;
  const { handler, inFlight } = oldestRunning;
  return { handler, topic: inFlight.delivery.message.topic, key: inFlight.envelope?.key, since: oldestRunningSince };
}

function consumerOf({ source, inHand, blockedByKey, stops }: OwnedSource): ConsumerSnapshot {
  const { name, group, progress } = source;
  const { lag, lastProgressAt } = progress;
  return {
    name,
    group,
    inFlight: inHand,
    lag,
    lastProgressAt,
    lease: source.lease(),
    blockedByKey,
    stops: { ...stops },
  };
}
