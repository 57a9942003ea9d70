/** Between two extensions of what is in hand: three in an ack wait. */
const EXTENSIONS = 3;

/** Whether what is in hand is still this process's alone: for as long as it could be extended lately. */
export class Lease {
  /** Monotonic milliseconds of the last extension. */
  #extendedAt: number;
  /** Since when nothing could be extended; undefined while it can. */
  #cutAt: number | undefined;

  constructor(
    private readonly ackWaitMs: number,
    private readonly now: () => number,
  ) {
    this.#extendedAt = now();
  }

  /** Half an ack wait after a cut nothing new starts: the server may give it to somebody else before long. */
  get state(): 'held' | 'unsure' {
    return this.#cutAt === undefined || this.now() - this.#cutAt < this.ackWaitMs / 2 ? 'held' : 'unsure';
  }

  cut(): void {
    this.#cutAt ??= this.now();
  }

  /** The server has confirmed that it is ours. */
  renewed(): void {
    this.#cutAt = undefined;
  }

  /** Whether it is time to extend; at most true once per interval. */
  isDue(): boolean {
    if (this.now() - this.#extendedAt < this.ackWaitMs / EXTENSIONS) return false;
    this.#extendedAt = this.now();
    return true;
  }
}
