/** The promise of a state that is reached again and again: made when somebody asks, kept when the state is reached. */
export class IdlePromise {
  #promise: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  /** Whether somebody waits for it. */
  get isAwaited(): boolean {
    return this.#promise !== undefined;
  }

  /** The promise of the next time; the same one for all who ask before it. */
  next(): Promise<void> {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  /** The state is reached. */
  keep(): void {
    this.#resolve?.();
    this.#promise = undefined;
    this.#resolve = undefined;
  }
}
