import { toError } from '../../core/errors.js';

/** Holds handlers until it is opened; once open it stays so. */
export class Gate {
  #open: (() => void) | undefined;
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  /** How many wait at it. */
  waiting = 0;

  open(): void {
    this.#open?.();
  }

  /** @throws the signal's reason when it is raised first */
  async pass(signal?: AbortSignal): Promise<void> {
    this.waiting += 1;
    try {
      await Promise.race(signal === undefined ? [this.#opened] : [this.#opened, raised(signal)]);
    } finally {
      this.waiting -= 1;
    }
  }
}

function raised(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(toError(signal.reason));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
