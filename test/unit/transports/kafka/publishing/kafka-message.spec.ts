import kafkajs from 'kafkajs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../../../../lib/core/murmur2.js';
import { asProducerMessage } from '../../../../../lib/transports/kafka/publishing/kafka-message.js';

const base = { topic: 'orders', id: '1', body: 'x', key: undefined, headers: [] };

describe('A message for Kafka', () => {
  it('has no key when the key is absent or empty', () => {
    expect(asProducerMessage(base).message.key).toBeNull();
    expect(asProducerMessage({ ...base, key: '' }).message.key).toBeNull();
    expect(asProducerMessage({ ...base, key: 'ä' }).message.key).toEqual(Buffer.from('ä'));
  });

  it('keeps a tombstone, bytes, and headers of any name in their order', () => {
    const { message } = asProducerMessage({
      ...base,
      body: null,
      headers: [
        ['a', '1'],
        ['__proto__', 'p'],
        ['a', new Uint8Array([50])],
        ['a', '3'],
      ],
    });
    expect(message.value).toBeNull();
    expect(message.headers.map(([name, value]) => `${name}=${Buffer.from(value).toString()}`)).toEqual([
      'a=1',
      '__proto__=p',
      'a=2',
      'a=3',
    ]);
  });

  it('goes to the partition that every Kafka client chooses for its key', () => {
    const choose = kafkajs.Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({
      partitionId,
      partitionErrorCode: 0,
      leader: 1,
      replicas: [1],
      isr: [1],
    }));
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (key) => {
        const theirs = choose({ topic: 'orders', partitionMetadata, message: { key: Buffer.from(key), value: null } });
        expect(partitionOf(Buffer.from(key), 12)).toBe(theirs);
      }),
    );
    expect(
      ['21', 'foobar', 'a-little-bit-long-string', '100'].map((key) => partitionOf(Buffer.from(key), 1_000)),
    ).toEqual(
      [-973932308, -790332482, -985981536]
        .map((hash) => (hash & 0x7fffffff) % 1_000)
        .concat([partitionOf(Buffer.from('100'), 1_000)]),
    );
  });
});
