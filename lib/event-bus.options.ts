import type { CodecFactory } from './envelope/codec.js';
import type { RetryOptions } from './handlers/retry-policy.js';
import type { TransportFactory } from './transport/transport.js';

/** A pool of workers. */
export interface PoolOptions {
  /** Handlers at once, whatever the number of partitions. @default 256 */
  readonly workers?: number;
  /** Events in hand, waiting or running, before the sources stop fetching. At least `workers`. @default 100 × workers */
  readonly queueSize?: number;
}

export interface KeyedPoolOptions extends PoolOptions {
  /** Events of one key that may wait before its source stops fetching. @default 1000 */
  readonly queueSizePerKey?: number;
}

/** The ACK pool: the publishes that wait for their confirm. */
export interface AckPoolOptions {
  /** Batches of publish results handled at once by `@OnPublishResults()` methods. @default 2 × CPUs */
  readonly workers?: number;
  /** Publishes that may wait for their confirm. @default 100000 */
  readonly maxPending?: number;
  /** The same in bytes. @default 67108864 (64 MiB) */
  readonly maxPendingBytes?: number;
  /** Publish results that may wait for `@OnPublishResults()` methods. @default 100000 */
  readonly resultBufferSize?: number;
  /** After so many milliseconds without a confirm a publish ends: `unknown`, or `rejected` when it was never sent. @default 30000 */
  readonly timeoutMs?: number;
}

export interface PoolsOptions {
  readonly global?: PoolOptions;
  readonly keyed?: KeyedPoolOptions;
  readonly ack?: AckPoolOptions;
  /** Bytes of events in hand, over both pools, before the sources stop fetching. @default 67108864 (64 MiB) */
  readonly queueSizeBytes?: number;
  /** A queue is reported as saturated when it has been full for so many milliseconds. @default 500 */
  readonly saturatedAfterMs?: number;
}

/** What belongs to a group. */
export interface GroupOptions {
  /** `at-most-once`: settled, and the settle answered by the broker, before the handler runs; never retried. @default 'at-least-once' */
  readonly delivery?: 'at-least-once' | 'at-most-once';
  /** Where the group begins when the broker does not know it yet; later differences are a warning. @default 'earliest' */
  readonly startFrom?: 'earliest' | 'latest' | Date;
}

export interface HandlerDefaults {
  /** Raises the handler's signal after so many milliseconds. @default 60000 */
  readonly timeoutMs?: number;
  /** `wait`: lane and worker stay taken until it ends. `dead-letter`: 30 s after the signal it is given up on. @default 'wait' */
  readonly onTimeout?: 'wait' | 'dead-letter';
  /** Whether enhancers bound for the whole application (APP_GUARD, useGlobalPipes, …) also apply to event handlers. @default false */
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
  /** `background`: the application boots while the broker is away. `require`: start fails when it is not there within `connectTimeoutMs`. @default 'background' */
  readonly startup?: 'background' | 'require';
  /** For `startup: 'require'`, in milliseconds. @default 10000 */
  readonly connectTimeoutMs?: number;
  readonly pools?: PoolsOptions;
  readonly retry?: Partial<RetryOptions>;
  readonly handlers?: HandlerDefaults;
  /** A topic or an event type nobody handles: settled and counted, or a dead letter. @default 'ignore' */
  readonly unmatched?: 'ignore' | 'dead-letter';
  /** Deadline of both phases of shutdown together, in milliseconds. @default 25000 */
  readonly shutdownTimeoutMs?: number;
  /** Deadline of a drain when a source moves to another instance, in milliseconds. @default 10000 */
  readonly rebalanceDrainMs?: number;
  /** Largest body that is parsed, in bytes. @default 16777216 (16 MiB) */
  readonly maxBodyBytes?: number;
  /** Deepest JSON that is parsed. @default 200 */
  readonly maxJsonDepth?: number;
}
