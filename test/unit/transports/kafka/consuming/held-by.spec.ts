import { describe, expect, it } from 'vitest';
import { SILENT_LOGGER } from '../../../../../lib/core/logger.js';
import { DoneRanges } from '../../../../../lib/transports/kafka/consuming/done-ranges.js';
import { PartitionSource } from '../../../../../lib/transports/kafka/consuming/partition-source.js';
import { ProgressMaps } from '../../../../../lib/transports/kafka/consuming/progress-maps.js';

describe('a partition that asks for nothing more', () => {
  it('says that it is maxUncommitted past its oldest unsettled event, until that is settled', () => {
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
    const owner = { leaseHolds: () => true, fetchable: () => undefined, touched: () => undefined };
    const source = new PartitionSource(facts, 2, owner);
    const first = source.frontier.deliver(0n);
    expect(source.progress.heldBy).toBeUndefined();
    source.frontier.deliver(1n);
    expect(source.progress.heldBy).toBe('2 events past the oldest unsettled one (maxUncommitted)');
    source.frontier.settle(first);
    expect(source.progress.heldBy).toBeUndefined();
  });
});
