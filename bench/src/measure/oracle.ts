import { KEYS, type EventData } from './events.js';

/** Judges what arrives: all of it, each event once, the order of each key. Its memory is fixed at the start. */
export class Oracle {
  readonly #seen: Uint8Array;
  /** Key → number of its last event, plus one. */
  readonly #last: Float64Array;
  readonly #laneOf: (n: number) => number;
  handled = 0;
  duplicates = 0;
  outOfOrder = 0;
  strangers = 0;
  /** Monotonic milliseconds of the first and the last event. */
  firstAt = 0;
  lastAt = 0;
  readonly #target: number;
  #onAll: (() => void) | undefined;

  /**
   * @param target how many different events are to arrive; it may be more than arrive in the end
   * @param laneOf the number of an event's key
   */
  constructor(target: number, keys = KEYS, laneOf = (n: number): number => n % keys) {
    this.#seen = new Uint8Array(target);
    this.#last = new Float64Array(keys);
    this.#laneOf = laneOf;
    this.#target = target;
  }

  /** To be called at the start of handlers that take their time. */
  begin(): void {
    if (this.firstAt === 0) this.firstAt = performance.now();
  }

  /** @param key as metadata say it */
  take({ n, key }: EventData, metadataKey: string | undefined): void {
    if (this.firstAt === 0) this.begin();
    if (!(n >= 0 && n < this.#target) || key !== metadataKey) {
      this.strangers += 1;
      return;
    }
    if (this.#seen[n] === 1) {
      this.duplicates += 1;
      return;
    }
    this.#seen[n] = 1;
    const lane = this.#laneOf(n);
    if ((this.#last[lane] ?? 0) > n) this.outOfOrder += 1;
    else this.#last[lane] = n + 1;
    this.handled += 1;
    if (this.handled === this.#target) this.#finish();
  }

  /** Resolves when the last one has arrived. @throws Error after `stallMs` without one more */
  async untilAll(stallMs = 30_000): Promise<void> {
    if (this.handled === this.#target) return;
    let before = -1;
    await new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => {
        if (this.handled === before) {
          clearInterval(timer);
          reject(new Error(`stalled at ${this.handled} of ${this.#target} events`));
        }
        before = this.handled;
      }, stallMs);
      this.#onAll = () => {
        clearInterval(timer);
        resolve();
      };
    });
  }

  /** What is wrong, one sentence each. @param sent how many events must have arrived */
  faults(sent: number, keepsOrder = true): string[] {
    const found: string[] = [];
    if (this.handled !== sent) found.push(`${sent - this.handled} of ${sent} events were lost`);
    if (this.duplicates > 0) found.push(`${this.duplicates} events came twice`);
    if (keepsOrder && this.outOfOrder > 0) found.push(`${this.outOfOrder} events were behind a later one of their key`);
    if (this.strangers > 0) found.push(`${this.strangers} events were not of this run, or under another key`);
    return found;
  }

  #finish(): void {
    this.lastAt = performance.now();
    this.#onAll?.();
  }
}
