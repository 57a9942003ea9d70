/**
 * How a pull ended:
 * - filled: it brought all it asked for
 * - empty: the server has nothing more
 * - refused: the server does not serve it now
 * - overdue: the server did not answer
 * - closed: the connection or the subscription is gone
 */
export type PullEnd = 'filled' | 'empty' | 'refused' | 'overdue' | 'closed';

/** A request for messages that the server has not answered to the end. */
export interface Pull {
  readonly token: string;
  /** Messages it may still bring. */
  left: number;
  bytesLeft: number;
  /** Monotonic milliseconds after which it is given up on. */
  readonly overdueAt: number;
  /** Called once, when it has ended. */
  readonly ended: ((how: PullEnd) => void) | undefined;
}

/**
 * The pulls of one consumer. Deliveries carry the event's subject and not the pull's, so that they are counted to the oldest one, which
 * is the one the server serves first.
 */
export class Pulls {
  /** Token → pull, oldest first. */
  readonly #open = new Map<string, Pull>();
  #oldest: Pull | undefined;
  #requested = 0;
  #requestedBytes = 0;
  #made = 0;

  /** Messages asked for and not here. */
  get requested(): number {
    return this.#requested;
  }

  get requestedBytes(): number {
    return this.#requestedBytes;
  }

  get size(): number {
    return this.#open.size;
  }

  open(messages: number, bytes: number, overdueAt: number, ended?: (how: PullEnd) => void): Pull {
    const pull: Pull = { token: (++this.#made).toString(36), left: messages, bytesLeft: bytes, overdueAt, ended };
    this.#open.set(pull.token, pull);
    this.#oldest ??= pull;
    this.#requested += messages;
    this.#requestedBytes += bytes;
    return pull;
  }

  /** One message of so many bytes came. */
  arrived(bytes: number): void {
    const oldest = this.#oldest;
    if (oldest === undefined) return;
    const counted = Math.min(bytes, oldest.bytesLeft);
    oldest.left -= 1;
    oldest.bytesLeft -= counted;
    this.#requested -= 1;
    this.#requestedBytes -= counted;
    if (oldest.left === 0) this.#end(oldest, 'filled');
  }

  /** The server ended it; whether it was open. */
  end(token: string, how: 'empty' | 'refused' = 'empty'): boolean {
    const pull = this.#open.get(token);
    if (pull !== undefined) this.#end(pull, how);
    return pull !== undefined;
  }

  /** Ends what the server should have ended long ago; how many. */
  endOverdue(now: number): number {
    const overdue = [...this.#open.values()].filter((pull) => pull.overdueAt <= now);
    for (const pull of overdue) this.#end(pull, 'overdue');
    return overdue.length;
  }

  endAll(): void {
    for (const pull of this.#open.values()) this.#end(pull, 'closed');
  }

  #end(pull: Pull, how: PullEnd): void {
    if (!this.#open.delete(pull.token)) return;
    if (this.#oldest === pull) this.#oldest = this.#open.values().next().value;
    this.#requested -= pull.left;
    this.#requestedBytes -= pull.bytesLeft;
    pull.ended?.(how);
  }
}
