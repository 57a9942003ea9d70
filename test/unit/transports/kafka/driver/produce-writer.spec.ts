import { createRequire } from 'node:module';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { crc32c } from '../../../../../lib/transports/kafka/driver/crc32c.js';
import { ProduceWriter, type WireRecord } from '../../../../../lib/transports/kafka/driver/produce-writer.js';

const require = createRequire(import.meta.url);
const theirRequest: (given: object) => {
  encode(): Promise<{ buffer: Buffer }>;
} = require('kafkajs/src/protocol/requests/produce/v7/request.js');

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ minLength: 60, maxLength: 300 }),
);
/** kafkajs takes headers as an object, which puts names that are numbers first. */
const headerName = fc.string({ unit: 'binary' }).filter((name) => !/^\d+$/.test(name));
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const records = fc.array(
  fc.record({
    key: fc.option(bytes),
    value: fc.option(fc.oneof(text, bytes)),
    headers: fc.uniqueArray(fc.tuple(headerName, fc.oneof(text, bytes)), {
      selector: ([name]) => name,
      maxLength: 12,
    }),
  }),
  { minLength: 1, maxLength: 40 },
);
const producer = fc.record({
  producerId: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  producerEpoch: fc.integer({ min: 0, max: 32_767 }),
  firstSequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  partition: fc.integer({ min: 0, max: 10_000 }),
});

afterEach(() => {
  vi.useRealTimers();
});

describe('A Produce request', () => {
  it('has byte for byte what kafkajs would write', async () => {
    vi.useFakeTimers({ now: 1_763_739_577_115, toFake: ['Date'] });
    const writer = new ProduceWriter();
    const facts = { acks: -1, timeoutMs: 30_000, timestamp: Date.now() };
    await fc.assert(
      fc.asyncProperty(records, producer, fc.string({ minLength: 1 }), async (given, by, topic) => {
        const ours = writer.write({ topic, ...by, records: given }, facts);
        expect(ours.equals(await theirs(topic, by, given))).toBe(true);
      }),
    );
  });

  it('has so too wherever the buffer has to grow', async () => {
    vi.useFakeTimers({ now: 1_763_739_577_115, toFake: ['Date'] });
    const by = { producerId: 7n, producerEpoch: 1, firstSequence: 2, partition: 3 };
    const facts = { acks: -1, timeoutMs: 30_000, timestamp: Date.now() };
    for (let length = 1; length <= 40; length++) {
      const headers: [string, string][] = [['ce_id', 'i'.repeat(length)]];
      const given = Array.from({ length: 2_500 }, (_, n) => ({ key: Buffer.from(`k${n}`), value: `v${n}`, headers }));
      const ours = new ProduceWriter().write({ topic: 't', ...by, records: given }, facts);
      expect(ours.equals(await theirs('t', by, given)), `${length}`).toBe(true);
    }
  });

  it('keeps values of a repeated name, each in its place', () => {
    const record: WireRecord = {
      key: null,
      value: 'v',
      headers: [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
    };
    const batch = { topic: 't', partition: 0, producerId: 1n, producerEpoch: 0, firstSequence: 0 };
    const written = new ProduceWriter().write(
      { ...batch, records: [record] },
      { acks: -1, timeoutMs: 1, timestamp: 1 },
    );
    expect(written.subarray(-14).toString('latin1')).toBe('v\x06\x02a\x021\x02b\x022\x02a\x023'.slice(-14));
  });

  it('grows for records of any size, and is no part of the next one', async () => {
    const writer = new ProduceWriter();
    const batch = { topic: 't', partition: 0, producerId: 1n, producerEpoch: 0, firstSequence: 0 };
    const facts = { acks: -1, timeoutMs: 1, timestamp: 1 };
    const large = writer.write({ ...batch, records: [{ key: null, value: 'ä'.repeat(500_000), headers: [] }] }, facts);
    const before = Buffer.from(large);
    writer.write({ ...batch, records: [{ key: null, value: 'x'.repeat(900_000), headers: [] }] }, facts);
    expect(large.length).toBeGreaterThan(1_000_000);
    expect(large.equals(before)).toBe(true);
  });

  it('is summed up by CRC-32C', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
    expect(crc32c(Buffer.from('a1234567890b'), 1, 10)).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(0), 0, 0)).toBe(0);
  });
});

async function theirs(
  topic: string,
  by: { partition: number; producerId: bigint },
  given: readonly WireRecord[],
): Promise<Buffer> {
  const messages = given.map(({ key, value, headers }) => ({ key, value, headers: Object.fromEntries(headers) }));
  const { partition, producerId, ...signed } = by;
  const topicData = [{ topic, partitions: [{ partition, messages, ...signed }] }];
  const request = theirRequest({ acks: -1, timeout: 30_000, topicData, ...signed, producerId: String(producerId) });
  return (await request.encode()).buffer;
}
