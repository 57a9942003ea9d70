import type { PinnedConsumerInfo } from './durable.js';
import { PIN_GROUP } from './names.js';

/** What a pull must carry for its owner. */
export interface PullIdentity {
  readonly group?: string;
  readonly id?: string;
}

/** Who may ask for what a consumer delivers, and run it. One per consumer. */
export interface Ownership {
  /** Whether order is to be kept: gaps are watched and what was delivered before is taken over. */
  readonly ordered: boolean;
  /** Whether it is ours, as far as others know. */
  readonly isOurs: boolean;
  /** Whether nobody else can have it now: asked before every handler start, every pull and every take-over. */
  readonly lease: 'held' | 'unsure';
  readonly identity: PullIdentity;
  gained(): void;
  lost(): void;
  /** Looks at a delivery. */
  delivered(pinId: () => string | undefined): void;
  /** The server takes somebody else, or nobody, for the pinned client. */
  unpinned(): void;
  /** Whether the server has somebody else pinned: a predecessor, whose claim is ours now. */
  isForeign(info: PinnedConsumerInfo): boolean;
  /** Whether the server has to hear of us even when there is nothing to ask for. */
  readonly needsRenewal: boolean;
}

/** Instances share the consumer: its events have no order to keep. */
export class SharedOwnership implements Ownership {
  readonly ordered = false;
  readonly isOurs = true;
  readonly lease = 'held';
  readonly identity: PullIdentity = {};
  readonly needsRenewal = false;

  gained(): void {
    // it always was
  }

  lost(): void {
    // never
  }

  delivered(): void {
    // nobody is pinned
  }

  unpinned(): void {
    // nobody is pinned
  }

  isForeign(): boolean {
    return false;
  }
}

/**
 * One instance owns it, by a claim and for as long as its lease lasts. Where the server has pins (2.11) they are a fence below that: it
 * delivers to the client it pinned, also when another asks that should not.
 */
export class ClaimedOwnership implements Ownership {
  readonly ordered = true;
  #isOurs = false;
  #pinId: string | undefined;

  /** @param lease of the group's membership @param pins whether the server has them */
  constructor(
    private readonly membership: { readonly lease: 'held' | 'unsure' },
    private readonly pins: boolean,
  ) {}

  get isOurs(): boolean {
    return this.#isOurs;
  }

  gained(): void {
    this.#isOurs = true;
  }

  lost(): void {
    this.#isOurs = false;
    this.#pinId = undefined;
  }

  get lease(): 'held' | 'unsure' {
    return this.#isOurs ? this.membership.lease : 'unsure';
  }

  get identity(): PullIdentity {
    if (!this.pins) return {};
    return this.#pinId === undefined ? { group: PIN_GROUP } : { group: PIN_GROUP, id: this.#pinId };
  }

  get needsRenewal(): boolean {
    return this.#pinId !== undefined && this.lease === 'held';
  }

  /** The header is read once a pin: reading headers costs. */
  delivered(pinId: () => string | undefined): void {
    if (this.pins && this.#pinId === undefined) this.#pinId = pinId();
  }

  unpinned(): void {
    this.#pinId = undefined;
  }

  isForeign(info: PinnedConsumerInfo): boolean {
    const pin = info.priority_groups?.find(({ group }) => group === PIN_GROUP)?.pinned_client_id;
    return pin !== undefined && pin !== '' && pin !== this.#pinId;
  }
}
