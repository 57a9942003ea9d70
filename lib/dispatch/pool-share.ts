/** One pool, as it is shared among the sources whose groups use it. */
export class PoolShare {
  sources = 0;
  inHand = 0;

  constructor(private readonly size: () => number) {}

  /** What each source may have in hand. */
  get perSource(): number {
    return Math.max(1, Math.floor(this.size() / Math.max(1, this.sources)));
  }

  /** What all of them together may still take. Below zero after a share has shrunk. */
  get room(): number {
    return Math.max(this.size(), this.sources) - this.inHand;
  }
}
