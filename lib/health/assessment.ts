import type { BusSnapshot } from '../event-bus.snapshot.js';
import type { ResolvedHealthOptions } from './health.options.js';

export type HealthStatus = 'up' | 'degraded' | 'down';

/** A verdict, and every reason it has. */
export interface Assessment {
  readonly status: HealthStatus;
  readonly reasons: readonly string[];
}

/** A bus that is ending, in order; it is not ready, and lives to the end. */
const ENDING = ['draining', 'publishing-only', 'closed'];

/** For people and alarms: `down` when the broker is away for long, `degraded` when somebody should look. */
export function assessHealth(snapshot: BusSnapshot, { thresholds }: ResolvedHealthOptions): Assessment {
  const awayMs = disconnectedMs(snapshot);
  if (awayMs !== undefined && awayMs >= thresholds.disconnectedMs) {
    return { status: 'down', reasons: [`the broker has been away for ${awayMs} ms`] };
  }
  const reasons = [
    ...(awayMs === undefined ? [] : [`the broker has been away for ${awayMs} ms`]),
    ...poolReasons(snapshot, thresholds),
    ...stallReasons(snapshot, thresholds),
    ...deadLetterReasons(snapshot, thresholds),
    ...fillReasons(snapshot, thresholds),
  ];
  return { status: reasons.length > 0 ? 'degraded' : 'up', reasons };
}

/** For the platform's readiness probe: whether to send requests. */
export function assessReadiness(snapshot: BusSnapshot, { readiness }: ResolvedHealthOptions): Assessment {
  const { state, transport } = snapshot;
  if (ENDING.includes(state)) return { status: 'down', reasons: [`the bus is ${state}`] };
  const isAway = transport.status.state !== 'connected';
  if (isAway) return { status: readiness.broker, reasons: ['the broker cannot be reached'] };
  if (state !== 'running') return { status: 'down', reasons: [`the bus is ${state}`] };
  return { status: 'up', reasons: [] };
}

/** For the platform's liveness probe: nothing a bus can find out about itself would be mended by killing the process. */
export function assessLiveness(): Assessment {
  return { status: 'up', reasons: [] };
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
  return stalls
    .filter(({ since }) => now - since >= stalledMs)
    .map(({ what, since }) => `${what} has been stalled for ${Math.round(now - since)} ms`);
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
