/** A promise and what resolves it. It never rejects, so nobody has to listen. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  /** No effect after the first time. */
  readonly resolve: (value: T) => void;

  constructor() {
    let resolvePromise: ((value: T) => void) | undefined;
    this.promise = new Promise<T>((resolve) => {
      resolvePromise = resolve;
    });
    this.resolve = (value) => resolvePromise?.(value);
  }
}
