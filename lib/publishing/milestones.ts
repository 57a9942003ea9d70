/** Those who wait until everything below a number is done. */
export class Milestones {
  #waiting: { readonly upTo: number; readonly resolve: () => void }[] = [];

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  async wait(upTo: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#waiting.push({ upTo, resolve }));
  }

  /** Everything below this number is done. */
  reached(number: number): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ upTo }) => upTo > number);
    for (const { upTo, resolve } of waiting) if (upTo <= number) resolve();
  }
}
