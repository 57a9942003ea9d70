import { z } from 'zod';
import { defined } from '../core/defined.js';
import { InvalidOptionsError } from '../core/errors.js';
import { optionFaults } from '../core/option-faults.js';

/** When something is worth a word. All times in milliseconds. */
export interface HealthThresholds {
  /** `degraded`: a pool has been saturated for so long and no source has made progress meanwhile. @default 60000 */
  readonly saturatedMs?: number;
  /** `degraded`: a handler, a key or a source has made no progress for so long, and for the bus's `stalledAfterMs`. @default 0 */
  readonly stalledMs?: number;
  /** `degraded`: dead letters could not be stored for so long. @default 30000 */
  readonly deadLettersFailingMs?: number;
  /** `degraded`: the event loop was blocked for longer than the bus's `blockedAfterMs`, for so long afterwards. @default 60000 */
  readonly eventLoopMs?: number;
  /** `degraded`: a stream has filled this share of one of its limits, from 0 to 1. @default 0.8 */
  readonly streamFill?: number;
  /** `down`: the broker has been away for so long. @default 10000 */
  readonly disconnectedMs?: number;
}

/** What `isReady` makes of a broker that is away. */
export interface ReadinessOptions {
  /** `down`: no requests while the broker is away. `degraded`: requests all the same, for what they publish waits. @default 'down' */
  readonly broker?: 'down' | 'degraded';
}

/** Options of `EventBusHealthModule.register()`. */
export interface EventBusHealthOptions {
  /** The bus it reports on. @default 'default' */
  readonly name?: string;
  readonly thresholds?: HealthThresholds;
  readonly readiness?: ReadinessOptions;
}

/** All of them, present. */
export interface ResolvedHealthOptions {
  readonly thresholds: Required<HealthThresholds>;
  readonly readiness: Required<ReadinessOptions>;
}

export const DEFAULT_HEALTH_OPTIONS: ResolvedHealthOptions = {
  thresholds: {
    saturatedMs: 60_000,
    stalledMs: 0,
    deadLettersFailingMs: 30_000,
    eventLoopMs: 60_000,
    streamFill: 0.8,
    disconnectedMs: 10_000,
  },
  readiness: { broker: 'down' },
};

const ms = z.number().min(0).optional();

const schema = z.strictObject({
  name: z.string().optional(),
  thresholds: z
    .strictObject({
      saturatedMs: ms,
      stalledMs: ms,
      deadLettersFailingMs: ms,
      eventLoopMs: ms,
      streamFill: z.number().min(0).max(1).optional(),
      disconnectedMs: ms,
    })
    .optional(),
  readiness: z.strictObject({ broker: z.enum(['down', 'degraded']).optional() }).optional(),
});

/** @throws InvalidOptionsError that lists every fault */
export function resolveHealthOptions(options: EventBusHealthOptions = {}): ResolvedHealthOptions {
  const faults = optionFaults(schema, options, 'health');
  if (faults.length > 0) throw new InvalidOptionsError(faults);
  const { thresholds, readiness } = DEFAULT_HEALTH_OPTIONS;
  return {
    thresholds: { ...thresholds, ...defined(options.thresholds) },
    readiness: { ...readiness, ...defined(options.readiness) },
  };
}
