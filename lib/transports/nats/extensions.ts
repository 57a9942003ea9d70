/** Extensions of what is in hand in an ack wait. */
const EXTENSIONS = 3;

/** Says when what is in hand is to be extended, so that the server does not deliver it again. */
export class Extensions {
  /** Monotonic milliseconds of the last one. */
  #extendedAt: number;

  constructor(
    private readonly ackWaitMs: number,
    private readonly now: () => number,
  ) {
    this.#extendedAt = now();
  }

  /** Whether it is time; at most true once per interval. */
  isDue(): boolean {
    if (this.now() - this.#extendedAt < this.ackWaitMs / EXTENSIONS) return false;
    this.#extendedAt = this.now();
    return true;
  }
}
