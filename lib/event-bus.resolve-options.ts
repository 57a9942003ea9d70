import { availableParallelism } from 'node:os';
import { defined } from './core/defined.js';
import { InvalidOptionsError } from './core/errors.js';
import { optionFaults, shown } from './core/option-faults.js';
import { isGroupName } from './core/pattern.js';
import type { CodecFactory } from './envelope/codec.js';
import { cloudEventsCodec } from './envelope/cloud-events.codec.js';
import type { EventBusOptions, GroupOptions, PoolsOptions } from './event-bus.options.js';
import { eventBusSchema } from './event-bus.options.schema.js';
import type { GroupSettings } from './handlers/handler.registry.js';
import { DEFAULT_RETRY_OPTIONS, type RetryOptions } from './handlers/retry-policy.js';
import type { TransportFactory } from './transport/transport.js';
import { memoryTransport } from './transports/memory/memory-transport.factory.js';

const MIB = 1024 * 1024;

/** Every default there is, but those that depend on other options: queueSize, source, transport and codec. */
export const DEFAULT_EVENT_BUS_OPTIONS = {
  groups: {},
  group: { delivery: 'at-least-once', startFrom: 'earliest' },
  topicPrefix: '',
  consume: true,
  startup: 'background',
  connectTimeoutMs: 10_000,
  pools: {
    global: { workers: 256, queueSizePerWorker: 100 },
    keyed: { workers: 256, queueSizePerWorker: 100, queueSizePerKey: 1_000 },
    ack: {
      workers: 2 * availableParallelism(),
      maxPending: 100_000,
      maxPendingBytes: 64 * MIB,
      resultBufferSize: 100_000,
      timeoutMs: 30_000,
    },
    queueSizeBytes: 64 * MIB,
    saturatedAfterMs: 500,
  },
  retry: DEFAULT_RETRY_OPTIONS,
  handlers: { timeoutMs: 60_000, onTimeout: 'wait', globalEnhancers: false },
  unmatched: 'ignore',
  shutdownTimeoutMs: 25_000,
  rebalanceDrainMs: 10_000,
  stalledAfterMs: 60_000,
  blockedAfterMs: 5_000,
  maxBodyBytes: 16 * MIB,
  maxJsonDepth: 200,
} as const;

/** A pool, complete. */
export interface ResolvedPoolOptions {
  readonly workers: number;
  /** Undefined: `queueSizePerWorker` times the workers, however many there are at the moment. */
  readonly queueSize: number | undefined;
  readonly queueSizePerWorker: number;
}

/** What a bus runs with: everything present, checked, and not to be changed. */
export interface ResolvedOptions {
  readonly transport: TransportFactory;
  /** Whether the application chose it: the memory transport by default is worth a line in the log. */
  readonly isTransportGiven: boolean;
  readonly codec: CodecFactory;
  /** Undefined: every handler has to name its group. */
  readonly group: string | undefined;
  readonly groups: Readonly<Record<string, GroupOptions>>;
  readonly topicPrefix: string;
  readonly source: string;
  /** Undefined: unless the application has nothing that listens. */
  readonly consume: boolean | undefined;
  readonly startup: 'background' | 'require';
  readonly connectTimeoutMs: number;
  readonly pools: {
    readonly global: ResolvedPoolOptions;
    readonly keyed: ResolvedPoolOptions & { readonly queueSizePerKey: number };
    readonly ack: {
      readonly workers: number;
      readonly maxPending: number;
      readonly maxPendingBytes: number;
      readonly resultBufferSize: number;
      readonly timeoutMs: number;
    };
    readonly queueSizeBytes: number;
    readonly saturatedAfterMs: number;
  };
  readonly retry: RetryOptions;
  readonly handlers: {
    readonly timeoutMs: number;
    readonly onTimeout: 'wait' | 'dead-letter';
    readonly globalEnhancers: boolean;
  };
  readonly unmatched: 'ignore' | 'dead-letter';
  readonly shutdownTimeoutMs: number;
  readonly rebalanceDrainMs: number;
  readonly stalledAfterMs: number;
  readonly blockedAfterMs: number;
  readonly maxBodyBytes: number;
  readonly maxJsonDepth: number;
}

/** Group of a bus that keeps nothing and was given none. */
const MEMORY_GROUP = 'default';

/**
 * Checks what an application gave and fills in the rest.
 * @throws InvalidOptionsError that lists every fault, the transport's included: its path, what is allowed, what it was
 */
export function resolveOptions(options: EventBusOptions = {}): ResolvedOptions {
  const schemaFaults = optionFaults(eventBusSchema, options);
  const faults = [...schemaFaults, ...transportFaults(options), ...groupNameFaults(options)];
  if (schemaFaults.length === 0) faults.push(...relationFaults(options));
  if (faults.length > 0) throw new InvalidOptionsError(faults);
  return complete(options);
}

/** What belongs to a group, said or not. */
export function groupSettings(options: ResolvedOptions, group: string): GroupSettings {
  const given = Object.hasOwn(options.groups, group) ? options.groups[group] : undefined;
  return { ...DEFAULT_EVENT_BUS_OPTIONS.group, ...defined(given) };
}

function complete(options: EventBusOptions): ResolvedOptions {
  const defaults = DEFAULT_EVENT_BUS_OPTIONS;
  const { group: _group, ...rest } = defaults;
  const transport = options.transport ?? memoryTransport();
  return {
    ...rest,
    ...defined(options),
    transport,
    isTransportGiven: options.transport !== undefined,
    codec: options.codec ?? cloudEventsCodec(),
    group: options.group ?? (transport.durable ? undefined : MEMORY_GROUP),
    source: options.source ?? options.group ?? 'nestjs-eventbus',
    consume: options.consume,
    pools: completePools(options.pools ?? {}),
    retry: { ...defaults.retry, ...defined(options.retry) },
    handlers: { ...defaults.handlers, ...defined(options.handlers) },
  };
}

function completePools(pools: PoolsOptions): ResolvedOptions['pools'] {
  const defaults = DEFAULT_EVENT_BUS_OPTIONS.pools;
  return {
    global: { ...defaults.global, queueSize: undefined, ...defined(pools.global) },
    keyed: { ...defaults.keyed, queueSize: undefined, ...defined(pools.keyed) },
    ack: { ...defaults.ack, ...defined(pools.ack) },
    queueSizeBytes: pools.queueSizeBytes ?? defaults.queueSizeBytes,
    saturatedAfterMs: pools.saturatedAfterMs ?? defaults.saturatedAfterMs,
  };
}

function transportFaults({ transport }: EventBusOptions): string[] {
  if (typeof transport?.validate !== 'function') return [];
  return transport.validate().map((fault) => (fault.startsWith('transport.') ? fault : `transport.${fault}`));
}

function groupNameFaults({ groups }: EventBusOptions): string[] {
  const wrong = Object.keys(groups ?? {}).filter((name) => !isGroupName(name));
  return wrong.map(
    (name) => `groups must have names of 1 to 100 letters, digits, ".", "_" and "-", got ${shown(name)}`,
  );
}

/** Faults of options that are right by themselves. */
function relationFaults({ pools = {}, retry }: EventBusOptions): string[] {
  const faults: string[] = [];
  for (const name of ['global', 'keyed'] as const) {
    const { workers, queueSize } = {
      ...DEFAULT_EVENT_BUS_OPTIONS.pools[name],
      queueSize: undefined,
      ...defined(pools[name]),
    };
    if (queueSize !== undefined && queueSize < workers) {
      faults.push(`pools.${name}.queueSize must be at least workers (${workers}), got ${queueSize}`);
    }
  }
  const { initialDelayMs, maxDelayMs } = { ...DEFAULT_RETRY_OPTIONS, ...defined(retry) };
  if (initialDelayMs > maxDelayMs) {
    faults.push(`retry.maxDelayMs must be at least initialDelayMs (${initialDelayMs}), got ${maxDelayMs}`);
  }
  return faults;
}
