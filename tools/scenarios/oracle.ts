import { build, type Histogram } from 'hdr-histogram-js';

/**
 * Judges what arrives: unique, duplicate or out of order. An event is out of order when a later one of its sender came first; only
 * keyed events have an order to keep. Memory is fixed at the start, so that judging disturbs nothing.
 */
export class Oracle {
  readonly #sentAt: Float64Array;
  readonly #seen: Uint8Array;
  readonly #lastByKey = new Map<string, number>();
  readonly #latency: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 600_000_000,
    numberOfSignificantValueDigits: 3,
  });
  received = 0;
  duplicates = 0;
  orderViolations = 0;
  firstSentAt = Infinity;
  lastReceivedAt = 0;

  constructor(count: number) {
    this.#sentAt = new Float64Array(count);
    this.#seen = new Uint8Array(count);
  }

  sending(index: number): void {
    const now = performance.now();
    this.#sentAt[index] = now;
    if (now < this.firstSentAt) this.firstSentAt = now;
  }

  arrived(index: number, key: string | undefined, sequence: number): void {
    const now = performance.now();
    if (this.#seen[index] === 1) {
      this.duplicates++;
      return;
    }
    this.#seen[index] = 1;
    this.received++;
    this.lastReceivedAt = now;
    this.#latency.recordValue(Math.max(1, Math.round((now - (this.#sentAt[index] ?? now)) * 1_000)));
    if (key === undefined) return;
    const last = this.#lastByKey.get(key) ?? 0;
    if (sequence < last) this.orderViolations++;
    else this.#lastByKey.set(key, sequence);
  }

  get latencyMs(): { p50: number; p90: number; p99: number; p999: number; max: number; mean: number } {
    const ms = (micros: number): number => Math.round(micros) / 1_000;
    const h = this.#latency;
    return {
      p50: ms(h.getValueAtPercentile(50)),
      p90: ms(h.getValueAtPercentile(90)),
      p99: ms(h.getValueAtPercentile(99)),
      p999: ms(h.getValueAtPercentile(99.9)),
      max: ms(h.maxValue),
      mean: ms(h.mean),
    };
  }
}
