/** The reference workloads: how many events of which kind go where. */
export const TRANSPORTS = ['memory', 'nats', 'kafka'] as const;
export const KINDS = ['raw', 'envelope'] as const;
export const LOADS = { low: 500, medium: 2_000, high: 5_000, extreme: 10_000 } as const;

export type TransportName = (typeof TRANSPORTS)[number];
export type Kind = (typeof KINDS)[number];
export type Load = keyof typeof LOADS;
/** `publish`: each sender awaits its confirm. `enqueue`: senders go on at once. */
export type Mode = 'publish' | 'enqueue';

export const TOPIC_COUNT = 5;
export const PARTITIONS_PER_TOPIC = 3;
const RAW_BYTES = 108;

/** One event of a run, known by its index. */
export interface PlannedEvent {
  readonly index: number;
  readonly topic: number;
  readonly key: string | undefined;
  /** Ascending per sender, from 1. */
  readonly sequence: number;
}

/** What one sender sends, one after another. Raw: a sender per topic. Envelope: a sender per aggregate. */
export function planSenders(kind: Kind, count: number): PlannedEvent[][] {
  const senders = kind === 'raw' ? TOPIC_COUNT : aggregates(count);
  const perSender = Math.floor(count / senders);
  return Array.from({ length: senders }, (_, sender) =>
    Array.from({ length: perSender }, (_unused, i) => ({
      index: sender * perSender + i,
      topic: sender % TOPIC_COUNT,
      key: kind === 'raw' ? undefined : `aggregate-${sender}`,
      sequence: i + 1,
    })),
  );
}

export function aggregates(count: number): number {
  return Math.min(1_000, Math.max(50, count / 10));
}

/** 108 bytes: the time in nanoseconds, little-endian, and a text padded with zeros. */
export function rawBody(event: PlannedEvent, nanos: bigint): Uint8Array {
  const body = Buffer.alloc(RAW_BYTES);
  body.writeBigInt64LE(nanos, 0);
  body.write(`Message ${event.sequence} from topic ${event.topic}`, 8);
  return body;
}

/** The sequence and topic that a raw body names. @throws Error for anything else */
export function readRawBody(body: Uint8Array): { topic: number; sequence: number } {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1', 8);
  const match = /^Message (\d+) from topic (\d+)\0*$/.exec(text);
  if (body.byteLength !== RAW_BYTES || match === null) throw new Error(`not a raw body: ${text}`);
  return { sequence: Number(match[1]), topic: Number(match[2]) };
}
