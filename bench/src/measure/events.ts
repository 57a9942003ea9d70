/** Keys that events are spread over, in turn. */
export const KEYS = 1_000;

/** The data of an event; with `pad` it has 100 bytes as JSON. */
export interface EventData {
  /** The event's number in its run, from 0. */
  readonly n: number;
  readonly key: string;
  /** When it was published, in microseconds of the machine's monotonic clock; 0 where nobody asks. */
  readonly at: number;
  readonly pad: string;
}

const KEY_NAMES = Array.from({ length: KEYS }, (_, index) => `order-${index}`);
const PADDING = 'x'.repeat(2_048);

export function keyOf(n: number, keys = KEYS): string {
  const index = n % keys;
  return KEY_NAMES[index] ?? `order-${index}`;
}

/** Data that has `bytes` bytes as JSON. */
export function dataOf(n: number, { bytes = 100, at = 0, keys = KEYS } = {}): EventData {
  const key = keyOf(n, keys);
  const used = 31 + key.length + String(n).length + String(at).length;
  return { n, key, at, pad: PADDING.slice(0, Math.max(0, bytes - used)) };
}

/** The data of `count` events, from number `first` on. */
export function dataFrom(first: number, count: number, bytes = 100): EventData[] {
  return Array.from({ length: count }, (_, index) => dataOf(first + index, { bytes }));
}

/** What the library writes beside the data, so that references carry the same. */
export const SOURCE = 'bench';
export const JSON_TYPE = 'application/json';

let lastMs = 0;
let lastTime = '';

/** Now, as RFC 3339; made once a millisecond. */
export function timeNow(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastTime = new Date(now).toISOString();
  }
  return lastTime;
}

/** As long as a UUID, and unique within the run: what ids cost is not what references are for. */
export function idOf(prefix: string, n: number): string {
  return `${prefix}${n.toString().padStart(12, '0')}`;
}

/** The first 24 of an id's 36 characters. */
export function idPrefix(): string {
  return `${crypto.randomUUID().slice(0, 23)}-`;
}

/** The machine's monotonic clock, the same for all its processes, in microseconds. */
export function microsNow(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
