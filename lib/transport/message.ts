/** One header as it goes over the wire. Names may repeat. */
export type HeaderEntry = readonly [name: string, value: string | Uint8Array];

/** Headers as a broker delivered them: order and duplicates kept, looked up without parsing the rest. */
export interface ReceivedHeaders {
  /** The first value of a name, as UTF-8 text; undefined when there is none. Names compare as the broker compares them. */
  get(name: string): string | undefined;
  /** Everything as it came, for dead letters and for the handler's context. */
  entries(): readonly HeaderEntry[];
  /** The same, one after another: for each message, so without a list of them. */
  forEach(visit: HeaderVisitor): void;
}

/** What is called with each header. */
export type HeaderVisitor = (name: string, value: string | Uint8Array) => void;

/** A message as a transport received it. Nothing in it has been looked at yet. */
export interface ReceivedMessage {
  /** The application's topic: without topic prefix and without partition token. */
  readonly topic: string;
  /** The broker's own key (Kafka), null when it has none; undefined on brokers whose messages have no key of their own. */
  readonly key: Uint8Array | null | undefined;
  /** The bytes as they came; null is a Kafka tombstone. */
  readonly body: Uint8Array | null;
  readonly headers: ReceivedHeaders;
  /** When the broker stored it, in milliseconds since the epoch, where it says so. */
  readonly storedAt?: number | undefined;
}

/** Where a message stands in the broker's log. */
export type Position =
  { readonly partition: number; readonly offset: number } | { readonly stream: string; readonly sequence: number };

/** A message ready to be sent. Already validated: a transport may send it as it is. */
export interface OutgoingMessage {
  /** The application's topic; the transport adds prefix and partition token. */
  readonly topic: string;
  /** Ordering key; undefined = none. Decides the partition. */
  readonly key: string | undefined;
  /** The event's id; the broker's deduplication id where it has one. */
  readonly id: string;
  readonly body: string | Uint8Array | null;
  readonly headers: readonly HeaderEntry[];
  /** A dead letter: may be larger than the limit, and is then stored whole all the same. */
  readonly dead?: boolean;
}

/** Headers over a plain list: what tests, the memory transport and Kafka build on. Names compare case-sensitively. */
export class HeaderList implements ReceivedHeaders {
  constructor(private readonly list: readonly HeaderEntry[]) {}

  get(name: string): string | undefined {
    for (const [candidate, value] of this.list) if (candidate === name) return headerText(value);
    return undefined;
  }

  entries(): readonly HeaderEntry[] {
    return this.list;
  }

  forEach(visit: HeaderVisitor): void {
    for (const [name, value] of this.list) visit(name, value);
  }
}

/** What a decoder puts where bytes are no UTF-8. */
export const REPLACED = '\uFFFD';

/** A header value as text where it is UTF-8; else the bytes, which the text could not become again. */
export function textOrBytes(value: Buffer): string | Buffer {
  const text = value.toString('utf8');
  return text.includes(REPLACED) ? value : text;
}

/** A header value as UTF-8 text; invalid sequences become U+FFFD. */
export function headerText(value: string | Uint8Array): string {
  return typeof value === 'string'
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
}
