import type { BusSnapshot } from '../event-bus.snapshot.js';
import type { ResolvedHealthOptions } from './health.options.js';

export type HealthStatus = 'up' | 'degraded' | 'down';

/** A verdict, and every reason it has. */
export interface Assessment {
  readonly status: HealthStatus;
  readonly reasons: readonly string[];
}

/** Stalls that the reasons name; the others are counted. */
const MOST_NAMED = 20;

/** A bus that is ending, in order; it is not ready, and lives to the end. */
const ENDING = ['draining', 'publishing-only', 'closed'];

/** For people and alarms: `down` when the broker is away for long, `degraded` when somebody should look. */
export function assessHealth(snapshot: BusSnapshot, { thresholds }: ResolvedHealthOptions): Assessment {
  if (snapshot.failure !== undefined) return { status: 'down', reasons: [failureOf(snapshot.failure)] };
  const awayMs = disconnectedMs(snapshot);
  if (awayMs !== undefined && awayMs >= thresholds.disconnectedMs) {
    return { status: 'down', reasons: [`the broker has been away for ${awayMs} ms`] };
  }
  const reasons = [
    ...(awayMs === undefined ? [] : [`the broker has been away for ${awayMs} ms`]),
    ...poolReasons(snapshot, thresholds),
    ...stallReasons(snapshot, thresholds),
    ...leaseReasons(snapshot),
    ...claimReasons(snapshot),
    ...eventLoopReasons(snapshot, thresholds),
    ...deadLetterReasons(snapshot, thresholds),
    ...fillReasons(snapshot, thresholds),
    ...defectReasons(snapshot),
  ];
  return { status: reasons.length > 0 ? 'degraded' : 'up', reasons };
}

/** For the platform's readiness probe: whether to send requests. */
export function assessReadiness(snapshot: BusSnapshot, { readiness }: ResolvedHealthOptions): Assessment {
  const { state, transport, failure } = snapshot;
  if (failure !== undefined) return { status: 'down', reasons: [failureOf(failure)] };
  if (ENDING.includes(state)) return { status: 'down', reasons: [`the bus is ${state}`] };
  const isAway = transport.status.state !== 'connected';
  if (isAway) return { status: readiness.broker, reasons: ['the broker cannot be reached'] };
  if (state !== 'running') return { status: 'down', reasons: [`the bus is ${state}`] };
  return { status: 'up', reasons: [] };
}

/**
 * For the platform's liveness probe: down once the bus has given up starting, for then only a new process tries again. Nothing else a bus can
 * find out about itself would be mended by killing the process.
 */
export function assessLiveness({ state, failure }: BusSnapshot): Assessment {
  if (failure === undefined || ENDING.includes(state)) return { status: 'up', reasons: [] };
  return { status: 'down', reasons: [failureOf(failure)] };
}

type Thresholds = ResolvedHealthOptions['thresholds'];

/** How long the broker has been away; undefined when it is there, or when the bus has let it go itself. */
function disconnectedMs({ transport, now }: BusSnapshot): number | undefined {
  const { state, since } = transport.status;
  return state === 'connected' || state === 'closed' ? undefined : Math.round(now - since);
}

/** A backlog keeps a pool saturated for as long as it lasts; only without progress is that worth a word. */
function poolReasons({ pools, consumers, now }: BusSnapshot, { saturatedMs }: Thresholds): string[] {
  const hasProgress = consumers.some(({ lastProgressAt = -Infinity }) => now - lastProgressAt < saturatedMs);
  if (hasProgress) return [];
  return Object.entries(pools)
    .filter(([, { saturatedSince }]) => saturatedSince !== undefined && now - saturatedSince >= saturatedMs)
    .map(([name]) => `the ${name} pool has been saturated for ${saturatedMs} ms without progress`);
}

function stallReasons({ stalls, now }: BusSnapshot, { stalledMs }: Thresholds): string[] {
  const stalled = stalls.filter(({ since }) => now - since >= stalledMs);
  const named = stalled
    .slice(0, MOST_NAMED)
    .map(({ what, since, why }) => `${what} has been stalled for ${Math.round(now - since)} ms: ${why}`);
  return stalled.length > MOST_NAMED ? [...named, `${stalled.length - MOST_NAMED} more are stalled`] : named;
}

function leaseReasons({ consumers }: BusSnapshot): string[] {
  return consumers
    .filter(({ lease }) => lease === 'unsure')
    .map(({ name }) => `the lease of ${name} has run out and nothing has renewed it: nothing of it starts`);
}

/** Transports whose instances agree among themselves who owns what say in `details().claims` why a group may handle nothing, as `{ group, trouble }`. */
function claimReasons({ transport }: BusSnapshot): string[] {
  const { claims } = transport.details;
  if (!Array.isArray(claims)) return [];
  return claims
    .filter((claim?: { readonly trouble?: unknown }) => typeof claim?.trouble === 'string')
    .map(({ group, trouble }: { readonly group: string; readonly trouble: string }) => {
      return `group ${group} handles nothing, for it cannot hold its claims: ${trouble}`;
    });
}

function eventLoopReasons({ eventLoop, now }: BusSnapshot, { eventLoopMs }: Thresholds): string[] {
  if (eventLoop === undefined) return [];
  const agoMs = Math.round(now - eventLoop.lastAt);
  return agoMs >= eventLoopMs ? [] : [`the event loop was blocked for ${eventLoop.lastMs} ms, ${agoMs} ms ago`];
}

/** Until the process ends: nobody knows when their source was owned anew. */
function defectReasons({ totals }: BusSnapshot): string[] {
  if (totals.defects === 0) return [];
  return [`the bus itself failed at ${totals.defects} events, which stay unsettled: see the log`];
}

function failureOf({ message }: Error): string {
  return `the bus cannot start, and does not try again: ${message}`;
}

function deadLetterReasons({ deadLettersFailingSince, now }: BusSnapshot, thresholds: Thresholds): string[] {
  if (deadLettersFailingSince === undefined) return [];
  const failingMs = Math.round(now - deadLettersFailingSince);
  return failingMs < thresholds.deadLettersFailingMs ? [] : [`dead letters cannot be stored for ${failingMs} ms`];
}

/** Transports that know their streams' limits say so in `details().streams`, as `{ name, fill }`. */
function fillReasons({ transport }: BusSnapshot, { streamFill }: Thresholds): string[] {
  const { streams } = transport.details;
  if (!Array.isArray(streams)) return [];
  return streams
    .filter((stream?: { readonly fill?: unknown }) => typeof stream?.fill === 'number' && stream.fill >= streamFill)
    .map(({ name, fill }: { readonly name: string; readonly fill: number }) => {
      return `stream ${name} has filled ${Math.round(fill * 100)} % of a limit`;
    });
}
