import type { Handle, HandleRegister } from '../../core/handle-register.js';

/** Waits that can be cut short. */
export class Pause {
  /** End of a wait → its timer and handle. */
  readonly #waiting = new Map<() => void, { timer: NodeJS.Timeout; handle: Handle }>();
  #ended = false;

  constructor(
    private readonly handles: HandleRegister,
    private readonly name: string,
  ) {}

  /** Resolves after so many milliseconds, or at once after `end`. */
  ms(delayMs: number): Promise<void> {
    return this.#ended ? Promise.resolve() : this.last(delayMs);
  }

  /** The same, also after `end`. */
  last(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        const waiting = this.#waiting.get(done);
        clearTimeout(waiting?.timer);
        waiting?.handle.closed();
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.set(done, { timer: setTimeout(done, delayMs), handle: this.handles.open('timer', this.name) });
    });
  }

  /** Ends all waits; later ones end at once. */
  end(): void {
    this.#ended = true;
    this.close();
  }

  close(): void {
    for (const done of this.#waiting.keys()) done();
  }
}
