import type { TopicIdentities } from './driver.js';
import { isRawBroker, type RawBroker } from './kafkajs-internals.js';

const METADATA = { apiKey: 3, apiVersion: 12, apiName: 'Metadata' } as const;
const ID_BYTES = 16;
const NO_ID = Buffer.alloc(ID_BYTES);
const PER_BYTE = 128;

/**
 * Ids of topics: another one when a topic was deleted and made again. kafkajs 2.2.4 ends at version 6 of the Metadata request,
 * ids come with 10; so this is version 12 by hand, over the broker's own connection.
 * @returns those that the broker tells; none when it, or this kafkajs, cannot
 */
export async function identify(broker: object, topics: readonly string[]): Promise<TopicIdentities> {
  if (topics.length === 0 || !isRawBroker(broker) || !tellsIds(broker)) return { cluster: '', idByTopic: new Map() };
  const body = request(topics);
  const encode = async () => ({ buf: body, offset: body.length, buffer: body, size: () => body.length });
  return broker.connectionPool.send({
    request: { ...METADATA, encode },
    response: { decode: async (raw) => raw, parse: async (raw) => parse(raw) },
  });
}

function tellsIds({ versions }: RawBroker): boolean {
  const metadata = versions?.[METADATA.apiKey];
  return metadata !== undefined && metadata.maxVersion >= METADATA.apiVersion;
}

/** The first byte ends the header, which kafkajs writes without tags. */
function request(topics: readonly string[]): Buffer {
  const names = topics.map((topic) => {
    const name = Buffer.from(topic);
    return Buffer.concat([NO_ID, varint(name.length + 1), name, Buffer.from([0])]);
  });
  const [noCreation, noOperations, noTags] = [0, 0, 0];
  return Buffer.concat([
    Buffer.from([0]),
    varint(topics.length + 1),
    ...names,
    Buffer.from([noCreation, noOperations, noTags]),
  ]);
}

function parse(raw: Buffer): TopicIdentities {
  const from = new FlexibleReader(raw);
  from.skipTags();
  from.skip(4); // throttle time
  from.each(() => {
    from.skip(4); // node id
    from.text();
    from.skip(4); // port
    from.text();
    from.skipTags();
  });
  const cluster = from.text() ?? '';
  from.skip(4); // controller id
  const ids = new Map<string, Buffer>();
  from.each(() => {
    const error = from.int16();
    const name = from.text();
    const id = from.bytes(ID_BYTES);
    from.skip(1); // is internal
    from.each(() => skipPartition(from));
    from.skip(4); // authorized operations
    from.skipTags();
    if (error === 0 && name !== undefined && !id.equals(NO_ID)) ids.set(name, id);
  });
  return { cluster, idByTopic: ids };
}

function skipPartition(from: FlexibleReader): void {
  from.skip(14); // error, index, leader, leader epoch
  for (let list = 0; list < 3; list += 1) from.each(() => from.skip(4)); // replicas, in sync, offline
  from.skipTags();
}

/** Kafka's "flexible" encoding: lengths are varints of one more than the length, and everything may end with tags. */
class FlexibleReader {
  #at = 0;

  constructor(private readonly raw: Buffer) {}

  skip(bytes: number): void {
    this.#at += bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.raw.readInt16BE(this.#at - 2);
  }

  /** A copy: the answer is not to be kept. */
  bytes(length: number): Buffer {
    this.#at += length;
    return Buffer.from(this.raw.subarray(this.#at - length, this.#at));
  }

  text(): string | undefined {
    const length = this.#varint() - 1;
    return length < 0 ? undefined : this.bytes(length).toString('utf8');
  }

  each(read: () => void): void {
    const count = this.#varint() - 1;
    for (let i = 0; i < count; i += 1) read();
  }

  skipTags(): void {
    const count = this.#varint();
    for (let i = 0; i < count; i += 1) {
      this.#varint();
      this.skip(this.#varint());
    }
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.raw.readUInt8(this.#at);
      this.#at += 1;
      value += (byte % PER_BYTE) * scale;
      if (byte < PER_BYTE) return value;
      scale *= PER_BYTE;
    }
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= PER_BYTE; rest = Math.floor(rest / PER_BYTE)) bytes.push((rest % PER_BYTE) + PER_BYTE);
  return Buffer.from([...bytes, rest]);
}
