import { monotonicNow, type MonotonicClock } from './core/clock.js';
import { diagnostics, type EventLoopBlockedDiagnostic } from './core/diagnostics.js';
import type { BusLogger } from './core/logger.js';

/** How often the event loop was blocked for longer than it may be, as health shows it. */
export interface EventLoopSnapshot {
  /** How often, since the start. */
  readonly blocks: number;
  /** The longest of them, in milliseconds. */
  readonly longestMs: number;
  /** The last of them, in milliseconds. */
  readonly lastMs: number;
  /** Monotonic milliseconds of the end of the last one. */
  readonly lastAt: number;
}

/** What a block is measured with. */
export interface LoopWatchOptions {
  readonly bus: string;
  readonly logger: BusLogger;
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** What is later than this is a block, in milliseconds. */
  readonly blockedAfterMs: number;
  /** @default monotonicNow */
  readonly now?: MonotonicClock;
}

/**
 * Notices that the event loop was blocked, or the process stopped, by how late its own looks come: heartbeats and leases were as late. It sees
 * a block when it is over; nobody can see it from within before.
 */
export class LoopWatch {
  readonly #now: MonotonicClock;
  #lookedAt: number | undefined;
  #snapshot: EventLoopSnapshot | undefined;

  constructor(private readonly options: LoopWatchOptions) {
    this.#now = options.now ?? monotonicNow;
  }

  /** Undefined until it was blocked for the first time. */
  get snapshot(): EventLoopSnapshot | undefined {
    return this.#snapshot;
  }

  /** From now on looks are expected. */
  begin(): void {
    this.#lookedAt = this.#now();
  }

  /** To be called every `everyMs`, from `begin` on. */
  look(): void {
    const { everyMs, blockedAfterMs } = this.options;
    const now = this.#now();
    const lateMs = Math.round(now - (this.#lookedAt ?? now - everyMs) - everyMs);
    this.#lookedAt = now;
    if (lateMs > blockedAfterMs) this.#blocked(lateMs, now);
  }

  #blocked(blockedMs: number, now: number): void {
    const { bus, logger } = this.options;
    const { blocks = 0, longestMs = 0 } = this.#snapshot ?? {};
    this.#snapshot = {
      blocks: blocks + 1,
      longestMs: Math.max(longestMs, blockedMs),
      lastMs: blockedMs,
      lastAt: now,
    };
    logger.warn(
      `The event loop was blocked, or the process was stopped, for ${blockedMs} ms: leases may have run out.`,
      {
        blockedMs,
      },
    );
    if (diagnostics.eventLoopBlocked.hasSubscribers) {
      diagnostics.eventLoopBlocked.publish({ bus, blockedMs } satisfies EventLoopBlockedDiagnostic);
    }
  }
}
