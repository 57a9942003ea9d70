/** Runs something in the next turn of the event loop, once, however often it is asked for. */
export class OnceATurn {
  #isAhead = false;

  constructor(private readonly run: () => void) {}

  ask(): void {
    if (this.#isAhead) return;
    this.#isAhead = true;
    setImmediate(() => {
      this.#isAhead = false;
      this.run();
    });
  }
}
