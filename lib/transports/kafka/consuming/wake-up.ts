/** Lets loops sleep until somebody wakes them, or a time has passed. Costs nothing while nobody sleeps. */
export class WakeUp {
  readonly #sleepers = new Set<() => void>();

  get hasSleepers(): boolean {
    return this.#sleepers.size > 0;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(wake);
    });
  }

  wake(): void {
    for (const wake of this.#sleepers) wake();
  }
}
