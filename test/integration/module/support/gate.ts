/** Holds up whoever waits at it until it is opened. */
export class Gate {
  /** How many have come to it. */
  waiting = 0;
  #open: () => void = () => undefined;
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  /** Resolves once the gate is open. */
  get passed(): Promise<void> {
    this.waiting += 1;
    return this.#opened;
  }

  open(): void {
    this.#open();
  }
}
