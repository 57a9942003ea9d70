import type { MonotonicClock } from '../core/clock.js';
import type { HandleRegister } from '../core/handle-register.js';
import type { BusLogger } from '../core/logger.js';
import type { Codec } from '../envelope/codec.js';
import type { EventDefaults } from '../envelope/event-defaults.js';
import type { Transport } from '../transport/transport.js';

/** What a publisher is made of. Options as in `pools.ack`, resolved. */
export interface PublisherContext {
  readonly bus: string;
  readonly ack: {
    readonly workers: number;
    readonly maxPending: number;
    readonly maxPendingBytes: number;
    readonly resultBufferSize: number;
    readonly timeoutMs: number;
  };
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  readonly now?: MonotonicClock;
}

/** The transport to publish through, and how events are written for it. */
export interface PublisherRoute {
  readonly transport: Pick<Transport, 'name' | 'publish' | 'maxMessageBytes'>;
  readonly codec: Codec;
  readonly defaults: EventDefaults;
}

/** The ACK pool as health shows it. */
export interface AckSnapshot {
  readonly pending: number;
  readonly pendingBytes: number;
  /** Monotonic milliseconds. */
  readonly oldestSince: number | undefined;
  readonly resultsWaiting: number;
  readonly recentLatencyMs: number | undefined;
}
