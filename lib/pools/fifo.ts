const SMALLEST_CAPACITY = 4;

/**
 * First in, first out, in a ring that doubles when it is full and halves when three quarters of it are empty: taking one
 * out never moves the others, and what was long takes no memory once it is short.
 */
export class Fifo<T> {
  #ring: (T | undefined)[] = emptyRing(SMALLEST_CAPACITY);
  #first = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** For how many it has room without growing. */
  get capacity(): number {
    return this.#ring.length;
  }

  push(value: T): void {
    if (this.#size === this.#ring.length) this.#move(this.#size * 2);
    this.#ring[(this.#first + this.#size) & (this.#ring.length - 1)] = value;
    this.#size += 1;
  }

  /** Takes the oldest one out; undefined when there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;

    const value = this.#ring[this.#first];
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#ring.length - 1);
    this.#size -= 1;
    if (this.#size * 4 <= this.#ring.length) this.#shrink();
    return value;
  }

  /** Keeps those for which `keep` says true, in their order. It is asked once about each, oldest first. */
  filter(keep: (value: T) => boolean): void {
    const all = this.#size;
    for (let i = 0; i < all; i += 1) {
      const value = this.shift();
      if (value !== undefined && keep(value)) this.push(value);
    }
  }

  #shrink(): void {
    if (this.#ring.length > SMALLEST_CAPACITY) this.#move(this.#ring.length / 2);
  }

  #move(capacity: number): void {
    const ring = emptyRing<T>(capacity);
    for (let i = 0; i < this.#size; i += 1) ring[i] = this.#ring[(this.#first + i) & (this.#ring.length - 1)];
    this.#ring = ring;
    this.#first = 0;
  }
}

/** The capacity is a power of two, so that a mask wraps an index around. */
function emptyRing<T>(capacity: number): (T | undefined)[] {
  const ring: (T | undefined)[] = [];
  ring.length = capacity;
  return ring;
}
