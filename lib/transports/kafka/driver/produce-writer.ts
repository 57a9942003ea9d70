import type { HeaderEntry } from '../../../transport/message.js';
import { crc32c } from './crc32c.js';

/** A message as it is written: text goes over the wire in UTF-8. */
export interface WireRecord {
  readonly key: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers: readonly HeaderEntry[];
}

/** The records of one partition, with what the idempotent producer signs them with. */
export interface WireBatch {
  readonly topic: string;
  readonly partition: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly records: readonly WireRecord[];
}

/** What holds for the whole request. */
export interface ProduceFacts {
  readonly acks: number;
  readonly timeoutMs: number;
  /** For all records, milliseconds since the epoch. */
  readonly timestamp: number;
}

const EMPTY = Buffer.alloc(0);
const MAGIC = 2;
const SMALLEST = 65_536;
/** Header names of the wire kept at most, as bytes. */
const MAX_REMEMBERED = 1_000;
/** Text up to that length is written without asking for its length first: one byte is enough for it. */
const SHORT = 21;
/** Bytes a variable-length number takes at most. */
const VARINT = 5;

/**
 * The body of a Produce request, versions 3 to 7, for one batch: written once, into one buffer. kafkajs makes a buffer of 512 bytes for each header
 * and each record and copies all of them twice, which is most of what publishing costs.
 */
export class ProduceWriter {
  #bytes = EMPTY;
  /** So that the next buffer need seldom grow. */
  #expected = SMALLEST;
  #at = 0;
  readonly #names = new Map<string, Buffer>();

  write({ topic, partition, records, ...producer }: WireBatch, { acks, timeoutMs, timestamp }: ProduceFacts): Buffer {
    this.#bytes = Buffer.allocUnsafeSlow(this.#expected);
    this.#at = 0;
    this.#int16(-1); // no transaction
    this.#int16(acks);
    this.#int32(timeoutMs);
    this.#int32(1);
    this.#string(topic);
    this.#int32(1);
    this.#int32(partition);
    const sizeAt = this.#skip(4);
    this.#batch(records, producer, timestamp);
    this.#bytes.writeInt32BE(this.#at - sizeAt - 4, sizeAt);
    const written = this.#bytes.subarray(0, this.#at);
    this.#bytes = EMPTY;
    this.#expected = Math.max(SMALLEST, written.length + (written.length >>> 2));
    return written;
  }

  #batch(
    records: readonly WireRecord[],
    { producerId, producerEpoch, firstSequence }: Pick<WireBatch, 'producerId' | 'producerEpoch' | 'firstSequence'>,
    timestamp: number,
  ): void {
    this.#int64(0n);
    const lengthAt = this.#skip(4);
    this.#int32(0);
    this.#int8(MAGIC);
    const crcAt = this.#skip(4);
    this.#int16(0);
    this.#int32(records.length - 1);
    this.#int64(BigInt(timestamp));
    this.#int64(BigInt(timestamp));
    this.#int64(producerId);
    this.#int16(producerEpoch);
    this.#int32(firstSequence);
    this.#int32(records.length);
    for (let i = 0; i < records.length; i++) this.#record(records[i]!, i);
    this.#bytes.writeInt32BE(this.#at - lengthAt - 4, lengthAt);
    this.#bytes.writeUInt32BE(crc32c(this.#bytes, crcAt + 4, this.#at), crcAt);
  }

  /** Its length stands before it and is known after it: it is moved up to where the length ends. */
  #record({ key, value, headers }: WireRecord, offset: number): void {
    const lengthAt = this.#skip(VARINT);
    this.#int8(0);
    this.#varint(0);
    this.#varint(offset);
    this.#field(key);
    this.#field(value);
    this.#varint(headers.length);
    for (const entry of headers) {
      this.#name(entry[0]);
      this.#field(entry[1]);
    }
    const [from, to] = [lengthAt + VARINT, this.#at];
    this.#at = lengthAt;
    this.#varint(to - from);
    this.#bytes.copyWithin(this.#at, from, to);
    this.#at += to - from;
  }

  /** Length and bytes. */
  #field(value: string | Uint8Array | null): void {
    if (value === null) return this.#varint(-1);
    if (typeof value === 'string') return this.#text(value);
    this.#room(value.length + VARINT);
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  #text(text: string): void {
    const { length } = text;
    if (length > SHORT) {
      const size = Buffer.byteLength(text, 'utf8');
      this.#room(size + VARINT);
      this.#varint(size);
      this.#at += this.#bytes.write(text, this.#at, 'utf8');
      return;
    }
    this.#room(3 * length + 1);
    const lengthAt = this.#at++;
    const written = this.#bytes.write(text, this.#at, 'utf8');
    this.#bytes[lengthAt] = written << 1;
    this.#at += written;
  }

  /** Names come again and again: kept as they are written. */
  #name(name: string): void {
    const known = this.#names.get(name);
    if (known !== undefined) {
      this.#room(known.length);
      this.#bytes.set(known, this.#at);
      this.#at += known.length;
      return;
    }
    const from = this.#at;
    this.#text(name);
    if (this.#names.size >= MAX_REMEMBERED) this.#names.clear();
    this.#names.set(name, Buffer.from(this.#bytes.subarray(from, this.#at)));
  }

  #string(text: string): void {
    const size = Buffer.byteLength(text, 'utf8');
    this.#int16(size);
    this.#room(size);
    this.#at += this.#bytes.write(text, this.#at, 'utf8');
  }

  /** Zigzag, seven bits a byte. */
  #varint(value: number): void {
    this.#room(VARINT);
    let left = ((value << 1) ^ (value >> 31)) >>> 0;
    for (; left > 0x7f; left >>>= 7) this.#bytes[this.#at++] = (left & 0x7f) | 0x80;
    this.#bytes[this.#at++] = left;
  }

  /** Room is made before the buffer is looked at, for it may be another one afterwards. */
  #int8(value: number): void {
    const at = this.#skip(1);
    this.#bytes[at] = value;
  }

  #int16(value: number): void {
    const at = this.#skip(2);
    this.#bytes.writeInt16BE(value, at);
  }

  #int32(value: number): void {
    const at = this.#skip(4);
    this.#bytes.writeInt32BE(value, at);
  }

  #int64(value: bigint): void {
    const at = this.#skip(8);
    this.#bytes.writeBigInt64BE(value, at);
  }

  /** Leaves room for what is written there later, or at once; where it begins. */
  #skip(size: number): number {
    this.#room(size);
    const at = this.#at;
    this.#at += size;
    return at;
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + size));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
