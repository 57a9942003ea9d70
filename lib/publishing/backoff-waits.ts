import type { HandleRegister } from '../core/handle-register.js';

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Waits between attempts: 500 ms, doubling up to 30 s. All of them end when it is closed. */
export class BackoffWaits {
  readonly #ends = new Set<(mayGoOn: boolean) => void>();
  #isClosed = false;

  constructor(
    private readonly handles: HandleRegister,
    private readonly name: string,
  ) {}

  /**
   * Waits after a failed attempt, counted from 1.
   * @returns false when it was closed meanwhile
   */
  async wait(attempt: number): Promise<boolean> {
    if (this.#isClosed) return false;
    const delayMs = Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS);
    const handle = this.handles.open('timer', `${this.name}: wait for another attempt`);
    return new Promise<boolean>((resolve) => {
      const end = (mayGoOn: boolean): void => {
        clearTimeout(timer);
        handle.closed();
        this.#ends.delete(end);
        resolve(mayGoOn);
      };
      const timer = setTimeout(end, delayMs, true);
      this.#ends.add(end);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#ends) end(false);
  }
}
