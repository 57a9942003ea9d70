import type { Handle } from './core/handle-register.js';
import type { BusParts } from './event-bus.assembly.js';
import { type EventLoopSnapshot, LoopWatch } from './event-bus.loop-watch.js';
import type { ResolvedOptions } from './event-bus.resolve-options.js';
import { SaturationWatch } from './event-bus.saturation-watch.js';

/** Shortest and longest time between two looks, in milliseconds. */
const EVERY_MS = { least: 10, most: 250 };

/** What the bus watches itself with. */
export interface BusWatchOptions {
  readonly name: string;
  readonly parts: BusParts;
  readonly options: ResolvedOptions;
  /** Whether a group was paused on purpose. */
  readonly isPaused: (group: string) => boolean;
}

/** One timer that looks, from the start to the beginning of the shutdown: for saturated pools, for stalls, for a blocked event loop. */
export class BusWatch {
  readonly #saturation: SaturationWatch;
  readonly #loop: LoopWatch;
  readonly #everyMs: number;
  #timer: Handle | undefined;

  constructor(private readonly given: BusWatchOptions) {
    const { name, parts, options } = given;
    const { saturatedAfterMs } = options.pools;
    const shortestMs = Math.min(saturatedAfterMs / 2, options.stalledAfterMs / 4, options.blockedAfterMs / 2);
    this.#everyMs = Math.min(Math.max(shortestMs, EVERY_MS.least), EVERY_MS.most);
    this.#saturation = new SaturationWatch(name, parts.pools, saturatedAfterMs);
    const { logger } = parts;
    const { blockedAfterMs } = options;
    this.#loop = new LoopWatch({ bus: name, logger, everyMs: this.#everyMs, blockedAfterMs });
  }

  /** Undefined until the event loop was blocked for the first time. */
  get eventLoop(): EventLoopSnapshot | undefined {
    return this.#loop.snapshot;
  }

  /** Idempotent. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#loop.begin();
    this.#timer = this.given.parts.handles.interval('watch', () => this.#look(), this.#everyMs);
  }

  stop(): void {
    this.#timer?.closed();
    this.#timer = undefined;
    this.given.parts.dispatcher.endStalls();
  }

  #look(): void {
    const { parts, isPaused } = this.given;
    this.#loop.look();
    this.#saturation.look();
    parts.dispatcher.lookForStalls({ connection: parts.transport.status.state, isPaused });
  }
}
