import { describe, expect, it } from 'vitest';
import { SILENT_LOGGER } from '../../../../../lib/core/logger.js';
import { DoneRanges } from '../../../../../lib/transports/kafka/consuming/done-ranges.js';
import { KafkaDelivery } from '../../../../../lib/transports/kafka/consuming/kafka-delivery.js';
import { PartitionSource } from '../../../../../lib/transports/kafka/consuming/partition-source.js';
import { ProgressMaps } from '../../../../../lib/transports/kafka/consuming/progress-maps.js';

function source(): PartitionSource {
  const facts = {
    group: 'billing',
    appTopic: 'orders',
    topic: 'orders',
    partition: 0,
    start: 0n,
    isCommitted: true,
    storedMetadata: '',
    fetchBytes: 1_024,
    cluster: '',
    topicId: undefined,
    inherited: new DoneRanges([]),
    maps: new ProgressMaps('default', SILENT_LOGGER),
  };
  return new PartitionSource(facts, 10, {
    leaseHolds: () => true,
    fetchable: () => undefined,
    touched: () => undefined,
  });
}

/** A record as kafkajs cuts it out of an answer of `size` bytes. */
function delivered(size: number, length: number, headers: Record<string, unknown> = {}) {
  const answer = Buffer.alloc(size, 'a');
  const owner = source();
  const fetched = {
    offset: 5n,
    key: answer.subarray(100, 103),
    value: answer.subarray(105, 105 + length),
    headers,
    timestamp: 7,
  };
  return { answer, delivery: new KafkaDelivery(owner, owner.frontier.deliver(5n), fetched) };
}

describe('KafkaDelivery', () => {
  it('copies a message that is small against its fetch, and counts what it pins', () => {
    const { answer, delivery } = delivered(100_000, 50);
    expect(delivery.message.body?.buffer).not.toBe(answer.buffer);
    expect(Buffer.from(delivery.message.body ?? []).toString()).toBe('a'.repeat(50));
    expect(Buffer.from(delivery.message.key ?? []).toString()).toBe('aaa');
    expect(delivery.sizeBytes).toBeLessThan(1_000);
  });

  it('keeps one that is most of its fetch, and counts all of that', () => {
    const { answer, delivery } = delivered(100_000, 90_000);
    expect(delivery.message.body?.buffer).toBe(answer.buffer);
    expect(delivery.sizeBytes).toBeGreaterThanOrEqual(100_000);
  });

  it('keeps duplicate headers in order, and takes only bytes, whatever kafkajs made of a name', () => {
    const one = Buffer.from('1');
    const { delivery } = delivered(1_000, 10, {
      tag: [one, Buffer.from('2')],
      constructor: [Object, Buffer.from('3')],
      empty: null,
    });
    expect(
      delivery.message.headers.entries().map(([name, value]) => `${name}=${Buffer.from(value).toString()}`),
    ).toEqual(['tag=1', 'tag=2', 'constructor=3', 'empty=']);
  });

  it('knows its position and not whether it was delivered before', () => {
    const { delivery } = delivered(1_000, 10);
    expect(delivery.position).toEqual({ partition: 0, offset: 5 });
    expect(delivery.redelivered).toBeUndefined();
    expect(delivery.message.storedAt).toBe(7);
  });
});
