import { HeaderList, type HeaderEntry, type Position, type ReceivedMessage } from '../../../transport/message.js';
import type { Delivery } from '../../../transport/transport.js';
import type { FetchedMessage } from '../driver/driver.js';
import type { Entry } from './frontier.js';
import type { PartitionSource } from './partition-source.js';

/** What a message costs beside its bytes: objects, header names, strings. An estimate. */
const OVERHEAD_BYTES = 200;
/** A message is copied when it is smaller than this part of the fetch that it would pin. */
const SMALL_PART = 0.5;

/** A message in this process's hands. */
export class KafkaDelivery implements Delivery {
  readonly position: Position;
  /** Kafka does not say. */
  readonly redelivered = undefined;
  readonly message: ReceivedMessage;
  readonly sizeBytes: number;

  constructor(
    readonly source: PartitionSource,
    readonly entry: Entry,
    fetched: FetchedMessage,
  ) {
    const { message, sizeBytes } = received(source.appTopic, fetched);
    this.position = { partition: source.partition, offset: Number(entry.offset) };
    this.message = message;
    this.sizeBytes = sizeBytes;
    entry.key = message.key ?? null;
  }
}

/**
 * Keys, values and headers come as views of the whole fetch's answer: one that waits long would pin all of it. What is small
 * against its answer is copied, in one piece; what is not is counted with the whole answer.
 */
function received(topic: string, fetched: FetchedMessage): { message: ReceivedMessage; sizeBytes: number } {
  const headers = headerEntries(fetched.headers);
  const views = [fetched.key, fetched.value, ...headers.map(([, value]) => value)];
  const own = new OwnBytes(views.filter((view): view is Buffer => view instanceof Uint8Array && view.length > 0));
  const message: ReceivedMessage = {
    topic,
    key: fetched.key && own.of(fetched.key),
    body: fetched.value && own.of(fetched.value),
    headers: new HeaderList(headers.map(([name, value]) => [name, typeof value === 'string' ? value : own.of(value)])),
    storedAt: fetched.timestamp,
  };
  return { message, sizeBytes: own.sizeBytes + OVERHEAD_BYTES };
}

/** The bytes of one record lie side by side: they are copied with one copy, and the views made again over it. */
class OwnBytes {
  readonly sizeBytes: number;
  readonly #start: number;
  readonly #copy: Buffer | undefined;

  constructor(views: readonly Buffer[]) {
    const [first] = views;
    this.#start = 0;
    this.sizeBytes = 0;
    if (first === undefined) return;

    const pinned = first.buffer.byteLength;
    const start = Math.min(...views.map(({ byteOffset }) => byteOffset));
    const end = Math.max(...views.map(({ byteOffset, length }) => byteOffset + length));
    const isSide = views.every(({ buffer }) => buffer === first.buffer);
    this.sizeBytes = pinned;
    if (!isSide || end - start >= pinned * SMALL_PART) return;

    this.#start = start;
    this.sizeBytes = end - start;
    this.#copy = Buffer.from(Buffer.from(first.buffer, start, end - start));
  }

  of(view: Uint8Array): Uint8Array {
    if (this.#copy === undefined || view.length === 0) return view;
    const from = view.byteOffset - this.#start;
    return this.#copy.subarray(from, from + view.length);
  }
}

/** kafkajs gathers headers in an object, which makes odd values of names such as `constructor`: only bytes are taken. */
function headerEntries(headers: Readonly<Record<string, unknown>>): HeaderEntry[] {
  const entries: HeaderEntry[] = [];
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    const singles: unknown[] = Array.isArray(value) ? value : [value];
    for (const single of singles) {
      if (single instanceof Uint8Array || typeof single === 'string') entries.push([name, single]);
      else if (single === null) entries.push([name, Buffer.alloc(0)]);
    }
  }
  return entries;
}
