import type { BusLogger } from '../core/logger.js';
import type { Credit } from '../transport/transport.js';
import type { OwnedSource } from './owned-source.js';
import { PoolShare } from './pool-share.js';

/** The bounds of what may be in hand. Read at every use, so they may follow a pool's size. */
export interface CreditLimits {
  /** Events of groups that use the global pool. */
  readonly globalQueueSize: number;
  /** Events of groups that use the keyed pool. */
  readonly keyedQueueSize: number;
  /** Events of one key that may wait before their source stops fetching. */
  readonly queueSizePerKey: number;
  /** Bytes of all events. */
  readonly queueSizeBytes: number;
}

/** What the book needs of the keyed pool. */
export interface LaneLengths {
  waitingIn(lane: string): number;
}

/**
 * Who may ask for how much. A source's share is its part of every pool its group uses, and of the bytes; its credit is the share less what
 * it has in hand, within what all have in hand. A source with nothing in hand may always make one fetch: so none starves, and
 * the bounds are passed by one fetch a source at most. A key with `queueSizePerKey` events waiting takes its source's credit until half are left.
 *
 * A source that has seen less than half of its share is told when there is more: at most once in a turn of the event loop.
 */
export class CreditBook {
  readonly pools: { readonly global: PoolShare; readonly keyed: PoolShare };

  /** Sources that share the credit now. */
  readonly #sharing = new Set<OwnedSource>();

  /** Those that have seen too little, and are to be told when there is more. */
  #short = new Set<OwnedSource>();
  #telling: NodeJS.Immediate | undefined;
  #inHand = 0;
  #inHandBytes = 0;
  #onEmpty: (() => void)[] = [];

  constructor(
    private readonly limits: CreditLimits,
    private readonly lanes: LaneLengths,
    private readonly logger: BusLogger,
  ) {
    this.pools = {
      global: new PoolShare(() => limits.globalQueueSize),
      keyed: new PoolShare(() => limits.keyedQueueSize),
    };
  }

  /** Deliveries in hand, of all sources. */
  get inHand(): number {
    return this.#inHand;
  }

  /** From now on it has its share, and the others have less. */
  open(owned: OwnedSource): Credit {
    this.#sharing.add(owned);
    for (const share of owned.shares) share.sources += 1;
    return new LiveCredit(this, owned);
  }

  /** It has no credit any more; the others have more. Idempotent. */
  close(owned: OwnedSource): void {
    this.#short.delete(owned);
    if (!this.#sharing.delete(owned)) return;
    for (const share of owned.shares) share.sources -= 1;
    this.changed();
  }

  /** The limits have changed: whoever had too little may look again. */
  changed(): void {
    if (this.#short.size > 0) this.#telling ??= setImmediate(() => this.#tell());
  }

  take(owned: OwnedSource, sizeBytes: number): void {
    this.#count(owned, 1, sizeBytes);
  }

  /** @param lane where the delivery was in line, to see whether it still blocks its source */
  giveBack(owned: OwnedSource, sizeBytes: number, lane: string | undefined): void {
    this.#count(owned, -1, -sizeBytes);
    if (lane !== undefined && owned.blockedLanes.size > 0) this.#unblock(owned, lane);
    if (this.#short.size > 0) this.changed();
    if (owned.inHand === 0) owned.release();
    if (this.#inHand === 0) this.#release();
  }

  /** Stops the source when too many events of a key wait. @param tasksPerEvent how many handlers the key's events wait for */
  watch(owned: OwnedSource, lane: string, key: string, tasksPerEvent: number): void {
    const { queueSizePerKey } = this.limits;
    if (owned.inHand < queueSizePerKey || owned.blockedLanes.has(lane)) return;
    if (this.lanes.waitingIn(lane) >= queueSizePerKey * tasksPerEvent) owned.blockedLanes.set(lane, key);
  }

  /** Calls back once, when nothing at all is in hand: at once when that is so now. */
  onceEmpty(callback: () => void): void {
    if (this.#inHand === 0) callback();
    else this.#onEmpty.push(callback);
  }

  messagesOf(owned: OwnedSource): number {
    if (!this.#sharing.has(owned)) return 0;
    let share = Infinity;
    let room = Infinity;
    for (const pool of owned.shares) {
      share = Math.min(share, pool.perSource);
      room = Math.min(room, pool.room);
    }
    const least = owned.inHand === 0 ? 1 : 0;
    const credit = owned.blockedLanes.size > 0 ? 0 : Math.max(least, Math.min(share - owned.inHand, room));
    if (credit < share / 2) this.#short.add(owned);
    if (credit === 0) owned.stop(owned.blockedLanes.size > 0 ? 'key' : 'queue');
    return credit;
  }

  bytesOf(owned: OwnedSource): number {
    if (!this.#sharing.has(owned)) return 0;
    const { fetchBytes } = owned.source;
    const share = Math.max(fetchBytes, Math.floor(this.limits.queueSizeBytes / this.#sharing.size));
    const room = this.limits.queueSizeBytes - this.#inHandBytes;
    const least = owned.inHand === 0 ? Math.max(1, fetchBytes) : 0;
    const credit = Math.max(least, Math.min(share - owned.inHandBytes, room));
    if (credit < Math.max(share / 2, fetchBytes)) this.#short.add(owned);
    if (credit < Math.max(1, fetchBytes)) owned.stop('bytes');
    return credit;
  }

  /** Whether it may make a fetch now. */
  canFetch(owned: OwnedSource): boolean {
    return this.messagesOf(owned) > 0 && this.bytesOf(owned) >= Math.max(1, owned.source.fetchBytes);
  }

  /** Nobody is told anything any more. */
  stop(): void {
    clearImmediate(this.#telling);
    this.#telling = undefined;
    this.#short.clear();
  }

  #count(owned: OwnedSource, messages: 1 | -1, bytes: number): void {
    owned.inHand += messages;
    owned.inHandBytes += bytes;
    this.#inHand += messages;
    this.#inHandBytes += bytes;
    for (const share of owned.shares) share.inHand += messages;
  }

  #unblock(owned: OwnedSource, lane: string): void {
    const half = this.limits.queueSizePerKey / 2;
    if (owned.inHand < half) owned.blockedLanes.clear();
    else if (owned.blockedLanes.has(lane) && this.lanes.waitingIn(lane) < half) owned.blockedLanes.delete(lane);
  }

  #tell(): void {
    this.#telling = undefined;
    const waiting = this.#short;
    this.#short = new Set();
    for (const owned of waiting) {
      const canFetch = this.canFetch(owned);
      if (canFetch) this.#short.delete(owned);
      else this.#short.add(owned);
      if (canFetch) {
        owned.isStopped = false;
        this.#replenish(owned);
      }
    }
  }

  #replenish(owned: OwnedSource): void {
    try {
      owned.source.replenished();
    } catch (error) {
      this.logger.error(`Source ${owned.source.name} failed when it was told of its credit.`, { error });
    }
  }

  #release(): void {
    const waiting = this.#onEmpty;
    if (waiting.length === 0) return;
    this.#onEmpty = [];
    for (const callback of waiting) callback();
  }
}

/** One source's credit, computed when it is looked at. */
class LiveCredit implements Credit {
  constructor(
    private readonly book: CreditBook,
    private readonly owned: OwnedSource,
  ) {}

  get messages(): number {
    return this.book.messagesOf(this.owned);
  }

  get bytes(): number {
    return this.book.bytesOf(this.owned);
  }
}
