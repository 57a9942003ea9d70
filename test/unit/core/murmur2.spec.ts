import { Partitioners } from 'kafkajs';
import { assert, integer, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../../lib/core/murmur2.js';

describe('murmur2', () => {
  // The values of Kafka's own test of Utils.murmur2.
  it.each([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ])('hashes %s as Kafka does', (text, hash) => {
    expect(murmur2(Buffer.from(text)) | 0).toBe(hash);
  });

  it('chooses the partition kafkajs chooses, for any key', () => {
    const choose = Partitioners.DefaultPartitioner();
    assert(
      property(string({ unit: 'grapheme', minLength: 1 }), integer({ min: 1, max: 50 }), (key, count) => {
        const partitionMetadata = Array.from({ length: count }, (_, partitionId) => {
          return { partitionId, leader: 1, partitionErrorCode: 0, replicas: [1], isr: [1] };
        });
        const message = { key, value: null };
        expect(partitionOf(Buffer.from(key), count)).toBe(choose({ topic: 't', partitionMetadata, message }));
      }),
    );
  });
});
