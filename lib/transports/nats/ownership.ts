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
  /** The server takes somebody else, or nobody, for the owner. */
  refused(): void;
  /** Whether the server names somebody else as the owner. */
  isForeign(info: PinnedConsumerInfo): boolean;
  /** Whether everything unsettled was delivered to this process alone, so that it may be asked for again at once. */
  isOnlyOurs(info: PinnedConsumerInfo): boolean;
  /** Whether the server has to hear of us even when there is nothing to ask for. */
  readonly needsRenewal: boolean;
}

/** Instances share the consumer: its events have no order to keep, or the server has no pins (before 2.11). */
export class SharedOwnership implements Ownership {
  readonly identity: PullIdentity = {};
  readonly needsRenewal = false;
  #fresh = true;

  constructor(readonly ordered: boolean) {}

  mayAssume(): boolean {
    return true;
  }

  delivered(): 'kept' | 'gained' {
    const first = this.#fresh;
    this.#fresh = false;
    return first ? 'gained' : 'kept';
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
}

/** The server delivers to one client at a time, and says with the first delivery to whom. */
export class PinnedOwnership implements Ownership {
  readonly ordered = true;
  #pinId: string | undefined;

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

  refused(): void {
    this.#pinId = undefined;
  }

  isForeign(info: PinnedConsumerInfo): boolean {
    const pin = pinOf(info);
    return pin !== undefined && pin !== this.#pinId;
  }

  isOnlyOurs(info: PinnedConsumerInfo): boolean {
    return this.#pinId !== undefined && pinOf(info) === this.#pinId;
  }
}

function pinOf(info: PinnedConsumerInfo): string | undefined {
  const pin = info.priority_groups?.find(({ group }) => group === PIN_GROUP)?.pinned_client_id;
  return pin === undefined || pin === '' ? undefined : pin;
}
