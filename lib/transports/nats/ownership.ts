import type { PinnedConsumerInfo } from './durable.js';
import { PIN_GROUP } from './names.js';

/** What a pull must carry for its owner. */
export interface PullIdentity {
  readonly group?: string;
  readonly id?: string;
}

/**
 * Who may run what a consumer delivers. One per consumer. Today it is the server's pin where it has one; whoever decides otherwise
 * (claims in a KV bucket, for instance) implements this.
 */
export interface Ownership {
  /** Whether order is to be kept: gaps are watched and what a predecessor left is taken over. */
  readonly ordered: boolean;
  /** Whether a source may be assumed before the first delivery. */
  mayAssume(info: PinnedConsumerInfo): boolean;
  readonly identity: PullIdentity;
  /** Looks at a delivery. `gained`: ours only from this one on. */
  delivered(pinId: () => string | undefined): 'kept' | 'gained';
  /** A delivery went elsewhere. @param sinceReview whether nothing was missing before, on the same connection: TCP loses nothing */
  gap(sinceReview: boolean): void;
  /** Nothing that was delivered before is missing: from here on, what is delivered is delivered to us. */
  reviewed(): void;
  /** The server takes somebody else, or nobody, for the owner. */
  refused(): void;
  /** Whether the server names somebody else as the owner. */
  isForeign(info: PinnedConsumerInfo): boolean;
  /** Whether everything unsettled was delivered to this process alone, so that it may be asked for again at once. */
  isOnlyOurs(info: PinnedConsumerInfo): boolean;
  /** Whether the server has to hear of us even when there is nothing to ask for. */
  readonly needsRenewal: boolean;
  /** Whether somebody else, alive, asks for the same consumer's messages at the same time: then there is no order to keep. */
  hasRivals(info: PinnedConsumerInfo, ownPulls: number): boolean;
}

/** For how long rivals that were seen are taken to be there. */
const RIVALS_STAY_MS = 30_000;

/** Instances share the consumer: its events have no order to keep, or the server has no pins (before 2.11). */
export class SharedOwnership implements Ownership {
  readonly identity: PullIdentity = {};
  readonly needsRenewal = false;
  #fresh = true;
  /** Monotonic milliseconds. */
  #rivalsUntil = 0;
  /** Since when more pulls wait at the server than are ours; those of a dead process do so until they expire. */
  #rivalsSince: number | undefined;

  constructor(
    private readonly wantsOrder: boolean,
    private readonly pullExpiryMs: number,
    private readonly now: () => number,
  ) {}

  get ordered(): boolean {
    return this.wantsOrder && this.now() >= this.#rivalsUntil;
  }

  mayAssume(): boolean {
    return true;
  }

  delivered(): 'kept' | 'gained' {
    const first = this.#fresh;
    this.#fresh = false;
    return first ? 'gained' : 'kept';
  }

  reviewed(): void {
    // nobody says what is delivered to whom
  }

  refused(): void {
    this.#fresh = true;
  }

  isForeign(): boolean {
    return false;
  }

  isOnlyOurs(): boolean {
    return false;
  }

  gap(sinceReview: boolean): void {
    if (sinceReview) this.#rivalsUntil = this.now() + RIVALS_STAY_MS;
  }

  hasRivals({ num_waiting }: PinnedConsumerInfo, ownPulls: number): boolean {
    this.#rivalsSince = num_waiting > ownPulls ? (this.#rivalsSince ?? this.now()) : undefined;
    if (this.#rivalsSince === undefined || this.now() - this.#rivalsSince < this.pullExpiryMs * 2) return false;
    this.#rivalsUntil = this.now() + RIVALS_STAY_MS;
    return true;
  }
}

/** The server delivers to one client at a time, and says with the first delivery to whom. */
export class PinnedOwnership implements Ownership {
  readonly ordered = true;
  #pinId: string | undefined;
  /** The pin under which a take-over has ended. A predecessor may still be at work on what was delivered before. */
  #reviewedPinId: string | undefined;

  get identity(): PullIdentity {
    return this.#pinId === undefined ? { group: PIN_GROUP } : { group: PIN_GROUP, id: this.#pinId };
  }

  get needsRenewal(): boolean {
    return this.#pinId !== undefined;
  }

  mayAssume(info: PinnedConsumerInfo): boolean {
    return pinOf(info) === undefined && info.num_waiting === 0;
  }

  /** The header is read once a pin: reading headers costs. */
  delivered(pinId: () => string | undefined): 'kept' | 'gained' {
    if (this.#pinId !== undefined) return 'kept';
    this.#pinId = pinId();
    return 'gained';
  }

  reviewed(): void {
    this.#reviewedPinId = this.#pinId;
  }

  refused(): void {
    this.#pinId = undefined;
  }

  isForeign(info: PinnedConsumerInfo): boolean {
    const pin = pinOf(info);
    return pin !== undefined && pin !== this.#pinId;
  }

  isOnlyOurs(info: PinnedConsumerInfo): boolean {
    return this.#pinId !== undefined && this.#pinId === this.#reviewedPinId && pinOf(info) === this.#pinId;
  }

  /** It went to somebody who was pinned for a while, or was lost with a connection. */
  gap(): void {
    // what is missing is taken over
  }

  /** The others stand by. */
  hasRivals(): boolean {
    return false;
  }
}

function pinOf(info: PinnedConsumerInfo): string | undefined {
  const pin = info.priority_groups?.find(({ group }) => group === PIN_GROUP)?.pinned_client_id;
  return pin === undefined || pin === '' ? undefined : pin;
}
