import type { CodecFactory } from './envelope/codec.js';
import type { RetryOptions } from './handlers/retry-policy.js';
import type { TransportFactory } from './transport/transport.js';

/** A pool of workers. */
export interface PoolOptions {
  /** Handlers at once, whatever the number of partitions: 1 to 100,000. @default 256 */
  readonly workers?: number;
  /** Events in hand, waiting or running, before the sources stop fetching: `workers` to 10,000,000. @default 100 × workers, following it */
  readonly queueSize?: number;
}

/** The pool that keeps the order of keys. */
export interface KeyedPoolOptions extends PoolOptions {
  /** Events of one key that may wait before its source stops fetching: 1 to 10,000,000. @default 1000 */
  readonly queueSizePerKey?: number;
}

/** The ACK pool: the publishes that wait for their confirm. */
export interface AckPoolOptions {
  /** Batches of publish results handled at once by `@OnPublishResults()` methods: 1 to 100,000. @default 2 × CPUs */
  readonly workers?: number;
  /** Publishes that may wait for their confirm: 1 to 10,000,000. @default 100000 */
  readonly maxPending?: number;
  /** The same in bytes, from 1. @default 67108864 (64 MiB) */
  readonly maxPendingBytes?: number;
  /** Publish results that may wait for `@OnPublishResults()` methods: 1 to 10,000,000. @default 100000 */
  readonly resultBufferSize?: number;
  /** After so many milliseconds without a confirm, from 1, a publish ends: `unknown`, or `rejected` when it was never sent. @default 30000 */
  readonly timeoutMs?: number;
}

/** All pools of a bus. */
export interface PoolsOptions {
  /** The pool without order. @default as said at each of them */
  readonly global?: PoolOptions;
  /** The pool that keeps the order of keys. @default as said at each of them */
  readonly keyed?: KeyedPoolOptions;
  /** The publishes that wait for their confirm. @default as said at each of them */
  readonly ack?: AckPoolOptions;
  /** Bytes of events in hand, over both pools, before the sources stop fetching; from 1. @default 67108864 (64 MiB) */
  readonly queueSizeBytes?: number;
  /** A queue is reported as saturated when it has been full for so many milliseconds, from 0. @default 500 */
  readonly saturatedAfterMs?: number;
}

/** What belongs to a group, whichever of its handlers it is for. */
export interface GroupOptions {
  /** `at-most-once`: settled, and the settle answered by the broker, before the handler runs; never retried. @default 'at-least-once' */
  readonly delivery?: 'at-least-once' | 'at-most-once';
  /** Where the group begins when the broker does not know it yet; later differences are a warning. @default 'earliest' */
  readonly startFrom?: 'earliest' | 'latest' | Date;
}

/** What holds for all handlers of a bus. */
export interface HandlerDefaults {
  /** Raises the handler's signal after so many milliseconds, from 1. @default 60000 */
  readonly timeoutMs?: number;
  /** `wait`: lane and worker stay taken until it ends. `dead-letter`: 30 s after the signal it is given up on. @default 'wait' */
  readonly onTimeout?: 'wait' | 'dead-letter';
  /**
   * Whether enhancers bound for the whole application (APP_GUARD, useGlobalPipes, …) also apply to event handlers: those of an HTTP
   * application are seldom meant for events. In `NestFactory.createMicroservice`, which has no HTTP, they always apply. @default false
   */
  readonly globalEnhancers?: boolean;
}

/** Options of `EventBusModule.forRoot()`. All have defaults. */
export interface EventBusOptions {
  /** The broker. @default memoryTransport() */
  readonly transport?: TransportFactory;
  /** Consumer group of handlers that name none. Required once there are handlers on a durable broker. */
  readonly group?: string;
  /** What belongs to single groups, by name. @default {} */
  readonly groups?: Readonly<Record<string, GroupOptions>>;
  /** Put before every topic, group and stream on the wire, for environments that share a broker; `staging.` for instance. @default '' */
  readonly topicPrefix?: string;
  /** CloudEvents' `source`. @default the group, or 'nestjs-eventbus' */
  readonly source?: string;
  /** How events are written. @default cloudEventsCodec() */
  readonly codec?: CodecFactory;
  /** Whether this process handles events. @default true; false under createApplicationContext */
  readonly consume?: boolean;
  /** `background`: the application boots while the broker is away. `require`: the start fails when it is not there within `connectTimeoutMs`. @default 'background' */
  readonly startup?: 'background' | 'require';
  /** How long `startup: 'require'` waits for the broker; in the background, the longest the start of consuming is waited for. In milliseconds, from 1. @default 10000 */
  readonly connectTimeoutMs?: number;
  /** Bounds of what is handled and published at once. @default as said at each of them */
  readonly pools?: PoolsOptions;
  /** When a failed handler is run again; what is left out has its default. @default 10 attempts, 100 ms × 2 up to 30 s, jitter 0.2 */
  readonly retry?: Partial<RetryOptions>;
  /** What holds for handlers that say nothing else. @default as said at each of them */
  readonly handlers?: HandlerDefaults;
  /** A topic or an event type nobody handles: settled and counted, or a dead letter. @default 'ignore' */
  readonly unmatched?: 'ignore' | 'dead-letter';
  /** Deadline of both phases of shutdown together, in milliseconds, from 1; below what the platform waits before it kills. @default 25000 */
  readonly shutdownTimeoutMs?: number;
  /** Deadline of a drain when a source moves to another instance, in milliseconds, from 1. @default 10000 */
  readonly rebalanceDrainMs?: number;
  /**
   * A handler, a key or a source without progress for so many milliseconds, from 1, is stalled: it is told of, and health is degraded. Nothing
   * is stalled before twice the `timeoutMs` of its handlers. @default 60000
   */
  readonly stalledAfterMs?: number;
  /** An event loop that was blocked for longer than so many milliseconds, from 1, is told of: well below what leases last, 10 s. @default 5000 */
  readonly blockedAfterMs?: number;
  /** Largest body that is parsed, in bytes, from 1. @default 16777216 (16 MiB) */
  readonly maxBodyBytes?: number;
  /** Deepest JSON that is parsed: 1 to 10,000. @default 200 */
  readonly maxJsonDepth?: number;
}
