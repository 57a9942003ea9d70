import type { BusSnapshot, PoolSnapshot } from '../event-bus.snapshot.js';

/** Entries of a list that a report shows; the others are counted. */
const MOST_SHOWN = 20;

/** A snapshot as a health endpoint shows it: ages instead of clock readings, errors as text, long lists cut. */
export function reportOf(snapshot: BusSnapshot): Record<string, unknown> {
  const { bus, group, state, stateSince, now, consuming, transport, pools, ack, consumers, stalls, totals } = snapshot;
  const age = (since: number | undefined): number | undefined =>
    since === undefined ? undefined : Math.max(0, Math.round(now - since));
  const { oldestSince, recentLatencyMs, ...ackCounts } = ack;
  return {
    bus,
    group,
    state,
    stateForMs: age(stateSince),
    failure: snapshot.failure?.message,
    consuming,
    transport: {
      name: transport.name,
      state: transport.status.state,
      forMs: age(transport.status.since),
      error: transport.status.error?.message,
      revivals: revivalsIn(transport.details),
      ...transport.details,
    },
    pools: { global: poolOf(pools.global, age), keyed: poolOf(pools.keyed, age) },
    ack: {
      ...ackCounts,
      oldestForMs: age(oldestSince),
      recentLatencyMs: recentLatencyMs === undefined ? undefined : Math.round(recentLatencyMs * 100) / 100,
    },
    consumers: shortened(
      consumers.map(({ lastProgressAt, ...consumer }) => ({ ...consumer, lastProgressForMs: age(lastProgressAt) })),
    ),
    stalls: shortened(stalls.map(({ since, ...stall }) => ({ ...stall, forMs: age(since) }))),
    totals,
    deadLettersFailingForMs: age(snapshot.deadLettersFailingSince),
    leftBehind: leftBehindOf(snapshot, age),
    eventLoop: eventLoopOf(snapshot, age),
    handles: handlesOf(snapshot),
  };
}

function poolOf(
  { saturatedSince, longestRunning, ...pool }: PoolSnapshot,
  age: (since: number | undefined) => number | undefined,
): object {
  const { since, ...what } = longestRunning ?? { since: undefined };
  return {
    ...pool,
    saturatedForMs: age(saturatedSince),
    longestRunning: longestRunning === undefined ? undefined : { ...what, forMs: age(since) },
  };
}

function leftBehindOf({ leftBehind }: BusSnapshot, age: (since: number) => number | undefined): object | undefined {
  if (leftBehind === undefined) return undefined;
  const { at, events, ...facts } = leftBehind;
  return { ...facts, agoMs: age(at), events: events.slice(0, MOST_SHOWN) };
}

function eventLoopOf({ eventLoop }: BusSnapshot, age: (since: number) => number | undefined): object | undefined {
  if (eventLoop === undefined) return undefined;
  const { lastAt, ...facts } = eventLoop;
  return { ...facts, lastAgoMs: age(lastAt) };
}

/** Transports count the consumers they have revived, connected but deaf, as `revivals`, somewhere in their details. */
function revivalsIn(details: unknown): number {
  if (typeof details !== 'object' || details === null) return 0;
  return Object.entries(details).reduce((sum, [name, value]) => {
    return sum + (name === 'revivals' && typeof value === 'number' ? value : revivalsIn(value));
  }, 0);
}

/** By kind: how many, how old the oldest. */
function handlesOf({ handles }: BusSnapshot): Record<string, { count: number; oldestMs: number }> {
  const byKind: Record<string, { count: number; oldestMs: number }> = {};
  for (const { kind, ageMs } of handles) {
    const known = byKind[kind] ?? { count: 0, oldestMs: 0 };
    byKind[kind] = { count: known.count + 1, oldestMs: Math.max(known.oldestMs, ageMs) };
  }
  return byKind;
}

function shortened<T>(list: readonly T[]): readonly (T | { readonly more: number })[] {
  return list.length <= MOST_SHOWN ? list : [...list.slice(0, MOST_SHOWN), { more: list.length - MOST_SHOWN }];
}
