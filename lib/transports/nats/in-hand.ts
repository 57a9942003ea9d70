import type { NatsDelivery } from './nats.delivery.js';

/** What of a consumer's messages is here, and what was settled here lately. */
export class InHand {
  /** Stream sequence → delivered or held, not settled. */
  readonly #deliveries = new Map<number, NatsDelivery>();
  /** Stream sequence → when the message was stored: a stream that was made anew uses its sequences again. */
  readonly #settled = new Map<number, number>();
  /** The settled sequences, oldest overwritten first. */
  readonly #ring: number[] = [];
  #at = 0;

  /** @param remembered how many settled sequences are known again when the server redelivers them */
  constructor(private readonly remembered: number) {}

  get size(): number {
    return this.#deliveries.size;
  }

  values(): Iterable<NatsDelivery> {
    return this.#deliveries.values();
  }

  sequences(): Iterable<number> {
    return this.#deliveries.keys();
  }

  add(delivery: NatsDelivery): void {
    this.#deliveries.set(delivery.streamSequence, delivery);
  }

  /** The same message, if it is here. */
  find(streamSequence: number, storedNanos: number): NatsDelivery | undefined {
    const present = this.#deliveries.get(streamSequence);
    return present?.storedNanos === storedNanos ? present : undefined;
  }

  has(streamSequence: number): boolean {
    return this.#deliveries.has(streamSequence);
  }

  /** Forgets it without settling; whether it was here. */
  remove(delivery: NatsDelivery): boolean {
    return (
      this.#deliveries.get(delivery.streamSequence) === delivery && this.#deliveries.delete(delivery.streamSequence)
    );
  }

  settled(delivery: NatsDelivery): void {
    const overwritten = this.#ring[this.#at];
    if (overwritten !== undefined) this.#settled.delete(overwritten);
    this.#ring[this.#at] = delivery.streamSequence;
    this.#at = (this.#at + 1) % this.remembered;
    this.#settled.set(delivery.streamSequence, delivery.storedNanos);
  }

  wasSettled(streamSequence: number, storedNanos: number): boolean {
    return this.#settled.get(streamSequence) === storedNanos;
  }

  /** Settled sequences from one above the floor to the last one. */
  settledBetween(floor: number, last: number): number[] {
    return [...this.#settled.keys()].filter((sequence) => sequence > floor && sequence <= last);
  }

  /** How many are here in that range: a server back from a crash may know less than we do. */
  countBetween(floor: number, last: number): number {
    let count = 0;
    for (const sequence of this.#deliveries.keys()) if (sequence > floor && sequence <= last) count += 1;
    return count;
  }

  clear(): void {
    this.#deliveries.clear();
  }
}
