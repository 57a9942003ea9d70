import type {
  Epoch,
  GroupCoordinator,
  OffsetToCommit,
  PartitionsByTopic,
  StoredOffset,
  TopicIdentities,
  TopicPartition,
} from './driver.js';
import type { GroupBroker } from './kafkajs-internals.js';
import { identify } from './topic-ids.js';

interface FetchedOffsets {
  readonly responses: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: string;
      readonly metadata?: string | null;
    }[];
  }[];
}

/**
 * Offsets straight from and to the coordinator, signed with the epoch in which they were earned: `consumer.commitOffsets` would
 * sign them with whatever generation is current and so pass for an owner's.
 */
export class KafkajsCoordinator implements GroupCoordinator {
  constructor(
    private readonly broker: GroupBroker,
    private readonly groupId: string,
  ) {}

  async fetchOffsets(partitions: PartitionsByTopic): Promise<readonly StoredOffset[]> {
    const topics = Object.entries(partitions).map(([topic, ids]) => ({
      topic,
      partitions: ids.map((partition) => ({ partition, offset: '0' })),
    }));
    if (topics.length === 0) return [];
    const answer = (await this.broker.offsetFetch({ groupId: this.groupId, topics })) as FetchedOffsets;
    return answer.responses.flatMap(({ topic, partitions: stored }) =>
      stored.map(({ partition, offset, metadata }) => ({
        topic,
        partition,
        offset: BigInt(offset) >= 0n ? BigInt(offset) : undefined,
        metadata: metadata ?? '',
      })),
    );
  }

  async hasOffsets(): Promise<boolean> {
    const answer = (await this.broker.offsetFetch({ groupId: this.groupId, topics: [] })) as FetchedOffsets;
    return answer.responses.some(({ partitions }) => partitions.some(({ offset }) => BigInt(offset) >= 0n));
  }

  async commit(epoch: Epoch, offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.broker.offsetCommit({
      groupId: this.groupId,
      groupGenerationId: epoch.generation,
      memberId: epoch.memberId,
      topics: byTopic(offsets).map(([topic, list]) => ({
        topic,
        partitions: list.map(({ partition, offset, metadata }) => ({ partition, offset: String(offset), metadata })),
      })),
    });
  }

  async heartbeat({ generation, memberId }: Epoch): Promise<void> {
    await this.broker.heartbeat({ groupId: this.groupId, groupGenerationId: generation, memberId });
  }

  identify(topics: readonly string[]): Promise<TopicIdentities> {
    return identify(this.broker, topics);
  }
}

/** Grouped by topic, in the order in which the topics first appear. */
export function byTopic<T extends TopicPartition>(list: readonly T[]): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const entry of list) {
    const group = groups.get(entry.topic);
    if (group) group.push(entry);
    else groups.set(entry.topic, [entry]);
  }
  return [...groups];
}

/** The partitions' numbers by topic. */
export function partitionsByTopic(list: readonly TopicPartition[]): PartitionsByTopic {
  return Object.fromEntries(
    byTopic(list).map(([topic, entries]) => [topic, entries.map(({ partition }) => partition)]),
  );
}
