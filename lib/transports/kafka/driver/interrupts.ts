import { Deferred } from '../../../core/deferred.js';

/** Lets waits be ended from outside. */
export class Interrupts {
  readonly #ends = new Set<() => void>();

  /** What the promise gives, or `otherwise` when it is interrupted before; `cut` is called then. */
  async race<T>(promise: Promise<T>, otherwise: T, cut: () => void): Promise<T> {
    const interrupted = new Deferred<T>();
    const end = (): void => {
      interrupted.resolve(otherwise);
      cut();
    };
    this.#ends.add(end);
    try {
      return await Promise.race([promise, interrupted.promise]);
    } finally {
      this.#ends.delete(end);
    }
  }

  interrupt(): void {
    for (const end of this.#ends) end();
  }
}
