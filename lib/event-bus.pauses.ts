import type { Transport } from './transport/transport.js';

/** Groups paused on purpose. */
export class Pauses {
  /** Undefined stands for all. */
  readonly #paused = new Set<string | undefined>();

  constructor(private readonly transport: Pick<Transport, 'pause' | 'resume'>) {}

  has(group: string): boolean {
    return this.#paused.has(group) || this.#paused.has(undefined);
  }

  /** @param group undefined = all */
  pause(group: string | undefined): void {
    this.#paused.add(group);
    this.transport.pause(group);
  }

  /** @param group undefined = all */
  resume(group: string | undefined): void {
    if (group === undefined) this.#paused.clear();
    else this.#paused.delete(group);
    this.transport.resume(group);
  }
}
