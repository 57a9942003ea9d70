import type { Delivery } from '../../transport/transport.js';
import type { MemorySource } from './memory-source.js';

/** Deliveries of one source before the next one has its turn. */
const PER_SOURCE = 64;
/** Deliveries in one turn of the event loop. */
const PER_TURN = 512;

/**
 * Delivers what the sources have, in later turns of the event loop and never from within a publish or a settle. Sources take
 * turns. No handle is open while there is nothing to deliver.
 */
export class Pump {
  /** Sources that may have something, each once. */
  #ready: MemorySource[] = [];
  /** Sources of paused groups that may have something. */
  #parked: MemorySource[] = [];
  #turn: NodeJS.Immediate | undefined;
  #isStopped = false;

  constructor(
    private readonly deliver: (delivery: Delivery) => void,
    private readonly isPaused: (group: string) => boolean,
  ) {}

  add(source: MemorySource): void {
    source.isReady = true;
    this.#ready.push(source);
    if (!this.#isStopped) this.#turn ??= setImmediate(() => this.#run());
  }

  /** Looks again at sources whose group was paused. */
  unpark(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const source of parked) this.add(source);
  }

  /** Nothing is delivered until `start`. */
  stop(): void {
    this.#isStopped = true;
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  start(): void {
    this.#isStopped = false;
    if (this.#ready.length > 0) this.#turn ??= setImmediate(() => this.#run());
  }

  #run(): void {
    this.#turn = undefined;
    const ready = this.#ready;
    this.#ready = [];
    let left = PER_TURN;
    for (const source of ready) {
      source.isReady = false;
      left -= this.#deliverSome(source, Math.min(left, PER_SOURCE));
    }
  }

  /** @returns how many were delivered */
  #deliverSome(source: MemorySource, most: number): number {
    for (let count = 0; count < most; count += 1) {
      if (this.#isStopped || this.isPaused(source.group)) {
        this.#keep(source);
        return count;
      }
      const delivery = source.next();
      if (delivery === undefined) return count;
      this.deliver(delivery);
    }
    this.#keep(source);
    return most;
  }

  #keep(source: MemorySource): void {
    if (source.isReady) return;
    if (!this.isPaused(source.group)) {
      this.add(source);
      return;
    }
    source.isReady = true;
    this.#parked.push(source);
  }
}
