import type { Source } from '../transport/transport.js';
import type { PoolShare } from './pool-share.js';

/**
 * - owned: its deliveries are taken and run
 * - revoking: nothing more of it is taken; only what was settled beforehand still starts
 * - stopped: nothing more of it starts; what still succeeds is settled
 * - lost: what still ends is not settled
 */
export type OwnershipPhase = 'owned' | 'revoking' | 'stopped' | 'lost';

/** How often a source stopped fetching, by what stopped it: the pool's queue, the bytes of all, a key with too many waiting. */
export interface SourceStops {
  queue: number;
  bytes: number;
  key: number;
}

/** One source, while this process owns it and until the last of its deliveries has left its hands. */
export class OwnedSource {
  phase: OwnershipPhase = 'owned';

  /** Deliveries in hand: neither settled nor dropped. */
  inHand = 0;

  /** What they pin in memory, in bytes. */
  inHandBytes = 0;

  /** Lane → the key of it, for lanes so long that the source must stop fetching. */
  readonly blockedLanes = new Map<string, string>();

  readonly stops: SourceStops = { queue: 0, bytes: 0, key: 0 };

  /** Whether it has been refused since it was last told that there is more: a stop is counted once. */
  isStopped = false;

  #onEmpty: (() => void)[] = [];

  /** @param shares one for each pool that handlers of its group run in */
  constructor(
    readonly source: Source,
    readonly guarantee: 'at-least-once' | 'at-most-once',
    readonly shares: readonly PoolShare[],
  ) {}

  /** The key that has stopped the source longest, if one has. */
  get blockedByKey(): string | undefined {
    for (const key of this.blockedLanes.values()) return key;
    return undefined;
  }

  /** It was refused. Counts unless it knows already. */
  stop(by: keyof SourceStops): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.stops[by] += 1;
  }

  /** Calls back once, when nothing of it is in hand any more: at once when that is so now. */
  onceEmpty(callback: () => void): void {
    if (this.inHand === 0) callback();
    else this.#onEmpty.push(callback);
  }

  /** Lets go whoever waits for it to be empty. */
  release(): void {
    const waiting = this.#onEmpty;
    this.#onEmpty = [];
    for (const callback of waiting) callback();
  }
}
