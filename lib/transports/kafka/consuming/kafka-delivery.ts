import { HeaderList, type Position, type ReceivedMessage, textOrBytes } from '../../../transport/message.js';
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
 * Keys, values and headers come as views of the whole fetch's answer: one that waits long would pin all of it. Headers that are text become text;
 * what is small against its answer is copied, in one piece; what is not is counted with the whole answer.
 */
function received(topic: string, fetched: FetchedMessage): { message: ReceivedMessage; sizeBytes: number } {
  const { key, value, timestamp } = fetched;
  const headers = headerEntries(fetched.headers);
  const own = new OwnBytes();
  own.cover(key);
  own.cover(value);
  for (const [, header] of headers) own.cover(header);
  own.copy();
  for (const header of headers) header[1] = own.of(header[1]);
  const message: ReceivedMessage = {
    topic,
    key: key && own.of(key),
    body: value && own.of(value),
    headers: new HeaderList(headers),
    storedAt: timestamp,
  };
  return { message, sizeBytes: own.sizeBytes + OVERHEAD_BYTES };
}

/** The bytes of one record lie side by side: they are copied with one copy, and the views made again over it. For each message, so without lists. */
class OwnBytes {
  sizeBytes = 0;
  #buffer: ArrayBufferLike | undefined;
  #start = Infinity;
  #end = 0;
  #isOneBuffer = true;
  #copy: Buffer | undefined;

  /** What is to be held, before `copy`. */
  cover(view: Uint8Array | string | null): void {
    if (typeof view === 'string') this.sizeBytes += view.length;
    if (!(view instanceof Uint8Array) || view.length === 0) return;
    const { buffer, byteOffset, length } = view;
    this.#buffer ??= buffer;
    if (buffer !== this.#buffer) this.#isOneBuffer = false;
    if (byteOffset < this.#start) this.#start = byteOffset;
    if (byteOffset + length > this.#end) this.#end = byteOffset + length;
  }

  copy(): void {
    if (this.#buffer === undefined) return;
    const pinned = this.#buffer.byteLength;
    const length = this.#end - this.#start;
    const isCopied = this.#isOneBuffer && length < pinned * SMALL_PART;
    this.sizeBytes += isCopied ? length : pinned;
    if (!isCopied) return;
    this.#copy = Buffer.from(Buffer.from(this.#buffer, this.#start, length));
  }

  of<V extends Uint8Array | string>(view: V): V | Uint8Array {
    if (this.#copy === undefined || !(view instanceof Uint8Array) || view.length === 0) return view;
    const from = view.byteOffset - this.#start;
    return this.#copy.subarray(from, from + view.length);
  }
}

/** kafkajs gathers headers in an object, which makes odd values of names such as `constructor`: only bytes are taken. */
function headerEntries(headers: Readonly<Record<string, unknown>>): [name: string, value: string | Uint8Array][] {
  const entries: [name: string, value: string | Uint8Array][] = [];
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (!Array.isArray(value)) push(entries, name, value);
    else for (const single of value) push(entries, name, single);
  }
  return entries;
}

function push(entries: [name: string, value: string | Uint8Array][], name: string, value: unknown): void {
  if (Buffer.isBuffer(value)) entries.push([name, textOrBytes(value)]);
  else if (value instanceof Uint8Array || typeof value === 'string') entries.push([name, value]);
  else if (value === null) entries.push([name, Buffer.alloc(0)]);
}
