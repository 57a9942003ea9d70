import type { PendingPublish } from './pending-publish.js';

const SMALLEST_CAPACITY = 1024;

/**
 * All publishes that have not ended, in call order, found by slot. One that ended stays as long as an older one has not, so that
 * a failure can tell whether something later is stored. At most `maxEnded` of these are kept: beyond that the oldest publish
 * becomes a straggler, which counts as overtaken when it fails.
 */
export class CallOrder {
  /** Slot modulo capacity → publish; a ring from `#first` to `#next`. */
  #ring: (PendingPublish | undefined)[] = Array.from({ length: SMALLEST_CAPACITY });
  #mask = SMALLEST_CAPACITY - 1;
  #first = 0;
  #next = 0;
  /** Publishes in the ring that have not ended. */
  #live = 0;
  /** Slot → a publish that had to leave the ring before it ended. */
  readonly #stragglers = new Map<number, PendingPublish>();

  constructor(private readonly maxEnded: number) {}

  /** How many have not ended. */
  get size(): number {
    return this.#live + this.#stragglers.size;
  }

  /** The slot the next publish gets. */
  get nextSlot(): number {
    return this.#next;
  }

  /** The one that was called first; undefined when all have ended. */
  get oldest(): PendingPublish | undefined {
    for (const straggler of this.#stragglers.values()) return straggler;
    return this.#live === 0 ? undefined : this.#ring[this.#first & this.#mask];
  }

  /** The lowest slot that has not ended; the next one when all have. */
  get first(): number {
    return this.oldest?.slot ?? this.#next;
  }

  /** Gives it its slot. */
  push(publish: PendingPublish): void {
    if (this.#next - this.#first > this.#mask) this.#grow();
    publish.slot = this.#next;
    this.#ring[this.#next & this.#mask] = publish;
    this.#next += 1;
    this.#live += 1;
  }

  find(slot: number): PendingPublish | undefined {
    if (slot >= this.#first && slot < this.#next) return this.#ring[slot & this.#mask];
    return this.#stragglers.size === 0 ? undefined : this.#stragglers.get(slot);
  }

  /** To be called once a publish has ended. */
  ended(publish: PendingPublish): void {
    if (publish.slot < this.#first) {
      this.#stragglers.delete(publish.slot);
      return;
    }
    this.#live -= 1;
    if (publish.slot === this.#first) this.#dropEnded();
    else if (this.#next - this.#first - this.#live > this.maxEnded) this.#setStragglerAside();
  }

  /** Those that have not ended, and those that ended after one that has not, in call order. */
  *[Symbol.iterator](): Generator<PendingPublish> {
    yield* this.#stragglers.values();
    for (let slot = this.#first; slot < this.#next; slot += 1) {
      const publish = this.#ring[slot & this.#mask];
      if (publish !== undefined) yield publish;
    }
  }

  #dropEnded(): void {
    while (this.#first < this.#next && this.#ring[this.#first & this.#mask]?.hasEnded === true) {
      this.#ring[this.#first & this.#mask] = undefined;
      this.#first += 1;
    }
  }

  #setStragglerAside(): void {
    const straggler = this.#ring[this.#first & this.#mask];
    this.#ring[this.#first & this.#mask] = undefined;
    this.#first += 1;
    if (straggler !== undefined) {
      straggler.mayBeOvertaken = true;
      this.#stragglers.set(straggler.slot, straggler);
      this.#live -= 1;
    }
    this.#dropEnded();
  }

  #grow(): void {
    const ring: (PendingPublish | undefined)[] = Array.from({ length: this.#ring.length * 2 });
    for (let slot = this.#first; slot < this.#next; slot += 1) {
      ring[slot & (ring.length - 1)] = this.#ring[slot & this.#mask];
    }
    this.#ring = ring;
    this.#mask = ring.length - 1;
  }
}
