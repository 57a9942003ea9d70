import { monotonicNow } from './core/clock.js';
import type { HandleRegister } from './core/handle-register.js';
import type { BusLogger } from './core/logger.js';

/** Closes one thing after another, whatever becomes of the one before; says of each that it is closed, or names what is not. */
export class ShutdownSteps {
  /** Monotonic milliseconds. */
  readonly #deadline: number;

  constructor(
    private readonly logger: BusLogger,
    private readonly handles: HandleRegister,
    withinMs: number,
  ) {
    const began = monotonicNow();
    this.#deadline = began + withinMs;
    handles.onClosed(({ kind, name, ageMs }) => {
      const isOfShutdown = ageMs < monotonicNow() - began - 1;
      if (!isOfShutdown) logger.log(`Closed ${kind} "${name}", open for ${ageMs} ms.`);
    });
  }

  /** How much is left until the deadline, in milliseconds; never below 0. @param reserve left for later steps */
  leftMs(reserve = 0): number {
    return Math.max(0, this.#deadline - monotonicNow() - reserve);
  }

  /** Runs one step; never rejects. @param reserve milliseconds before the deadline that are left for later steps */
  async run(name: string, step: () => unknown, reserve = 0): Promise<void> {
    try {
      const isInTime = await this.#within(Promise.resolve(step()), this.leftMs(reserve));
      if (!isInTime) this.logger.error(`Shutdown: ${name} is not done at the deadline and is left.`);
    } catch (error) {
      this.logger.error(`Shutdown: ${name} failed.`, { error });
    }
  }

  /** Names what is still open, if anything is. */
  report(): void {
    const open = this.handles.list();
    if (open.length === 0) return;
    const names = open.map(({ kind, name }) => `${kind} "${name}"`).join(', ');
    this.logger.error(`Shutdown: ${open.length} handles could not be closed: ${names}.`);
  }

  #within(step: Promise<unknown>, withinMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(false), withinMs);
      const end = (settle: () => void) => {
        clearTimeout(timer);
        settle();
      };
      step.then(
        () => end(() => resolve(true)),
        (error: unknown) => end(() => reject(error)),
      );
    });
  }
}
