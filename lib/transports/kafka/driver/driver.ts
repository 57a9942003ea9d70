import type { HeaderEntry } from '../../../transport/message.js';
/** A partition of a topic, by its name on the wire. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Topic → its partitions. */
export type PartitionsByTopic = Readonly<Record<string, readonly number[]>>;

/** A topic as it is created. */
export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

/** What is asked of the cluster beside producing and consuming. Names are those on the wire. */
export interface KafkaAdmin {
  /** @throws AuthenticationError, EventBusError EVENT_BUS_CONNECTION_FAILED, or the client's error when the broker is away */
  connect(): Promise<void>;
  /** Resolves when a broker has answered. */
  probe(): Promise<void>;
  /** Number of partitions of every topic. */
  listTopics(): Promise<ReadonlyMap<string, number>>;
  /** Undefined when there is no such topic. */
  partitionCount(topic: string): Promise<number | undefined>;
  /** False when it was there already. */
  createTopic(topic: NewTopic): Promise<boolean>;
  /** @param total how many there are to be afterwards */
  addPartitions(topic: string, total: number): Promise<void>;
  /** What was set for this topic, without defaults. */
  topicConfig(topic: string): Promise<Readonly<Record<string, string>>>;
  /** Replaces everything that was set for this topic. */
  setTopicConfig(topic: string, config: Readonly<Record<string, string>>): Promise<void>;
  clusterFacts(): Promise<ClusterFacts>;
  close(): Promise<void>;
}

export interface ClusterFacts {
  readonly brokers: number;
  /** The brokers' limit for a batch, in bytes; undefined where we may not ask. */
  readonly maxMessageBytes: number | undefined;
}

/** A message as it is sent. */
export interface ProducerMessage {
  readonly key: Buffer | null;
  /** Text is sent in UTF-8. */
  readonly value: Buffer | string | null;
  /** In their order; names may repeat. */
  readonly headers: readonly HeaderEntry[];
}

/** One producer id. After a failed send it must not be used for the same partition again. */
export interface KafkaProducer {
  connect(): Promise<void>;
  /**
   * Sends one batch for exactly one partition.
   * @returns the offset of its first message, or undefined when the answer does not name the partition: may be stored or not
   */
  send(target: TopicPartition, messages: readonly ProducerMessage[]): Promise<bigint | undefined>;
  /** Ends its connections at once; what is in flight fails. */
  close(): Promise<void>;
}

/** A generation of the group with us in it: what a commit is signed with. */
export interface Epoch {
  readonly generation: number;
  readonly memberId: string;
  readonly protocol: string;
  readonly coordinator: GroupCoordinator;
}

export interface StoredOffset extends TopicPartition {
  /** Undefined: the group has none. */
  readonly offset: bigint | undefined;
  readonly metadata: string;
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: bigint;
  readonly metadata: string;
}

export interface GroupCoordinator {
  fetchOffsets(partitions: PartitionsByTopic): Promise<readonly StoredOffset[]>;
  /** Whether the group has committed anything at all. */
  hasOffsets(): Promise<boolean>;
  /** Refused by the broker when the epoch is not the current one. */
  commit(epoch: Epoch, offsets: readonly OffsetToCommit[]): Promise<void>;
  heartbeat(epoch: Epoch): Promise<void>;
  identify(topics: readonly string[]): Promise<TopicIdentities>;
}

/** What tells topics from others by the same name. */
export interface TopicIdentities {
  readonly cluster: string;
  /** Another id after a topic was deleted and made again. Without those that the broker does not tell. */
  readonly idByTopic: ReadonlyMap<string, Uint8Array>;
}

/** What a member says it owns when it joins. */
export interface Claims {
  /** Of the last generation it was in; -1 for none. */
  readonly generation: number;
  readonly owned: PartitionsByTopic;
}

/** What a member was given, as it stands in the assignment. */
export interface Assignment {
  readonly partitions: PartitionsByTopic;
  /** Some partitions were withheld from their new owners: another round follows soon. */
  readonly expectMore: boolean;
  /** The leader found a group that has never committed anything; undefined where the leader does not say. */
  readonly isNewGroup: boolean | undefined;
}

/** The messages of one fetch of one partition, in order. */
export interface FetchedBatch extends TopicPartition {
  readonly messages: readonly FetchedMessage[];
  /** Last offset of the batch, control records included. */
  readonly lastOffset: bigint;
}

export interface FetchedMessage {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly timestamp: number;
}

/** What a fetch's answer says of a partition. */
export interface PartitionAnswer {
  /** End of the log. */
  readonly high: bigint;
  /** End of what may be read: before the first transaction that is still open. */
  readonly stable: bigint;
  readonly isEmpty: boolean;
}

/** Where a fetch would begin. */
export interface FetchPosition extends TopicPartition {
  readonly offset: bigint;
}

/** What a member asks and tells while it lives. All of it is awaited or answered before the member goes on. */
export interface MemberHooks {
  /** Before it joins. `memberId` is empty or another than before when the group has thrown us out. */
  joining(memberId: string): Promise<Claims>;
  /** It was given these, and fetches nothing before this resolves. */
  assigned(epoch: Epoch, assignment: Assignment): Promise<void>;
  /** Where to go on, once the assignment is in force. */
  positions(): readonly FetchPosition[];
  /** The coordinator has answered something that was sent at this monotonic time. */
  alive(sentAt: number): void;
  /** Before it leaves the group, also by a crash. */
  leaving(): Promise<void>;
  /** Which of these may be fetched now. */
  fetchable(wanted: readonly FetchPosition[]): readonly TopicPartition[];
  /** Resolves when something may have become fetchable, or after `ms`. */
  fetchableAgain(ms: number): Promise<void>;
  /** The broker has answered for a partition; messages follow by `batch` or `skipped`. */
  answered(partition: TopicPartition, answer: PartitionAnswer): void;
  /** Messages. Returns where to go on, or undefined when they are not ours to take. */
  batch(batch: FetchedBatch): bigint | undefined;
  /** Nothing but control records up to here. */
  skipped(partition: TopicPartition, lastOffset: bigint): void;
  /** The position is not in the log: retention took it, or the topic is another one. Resolves with where to go on. */
  outOfRange(
    partition: TopicPartition,
    log: { readonly earliest: bigint; readonly latest: bigint },
  ): Promise<bigint | undefined>;
  /** Partitions of topics that this member does not know. */
  partitionsOf(topics: readonly string[]): Promise<PartitionsByTopic>;
  /** It is dead, and has left the group. */
  crashed(error: Error): void;
}

/** One life of a group member. */
export interface KafkaMember {
  /** Joins and consumes. Rejects, or calls `crashed`, when that fails. */
  start(topics: readonly string[]): Promise<void>;
  /** Adds topics to the subscription of a running member, without leaving the group. */
  extend(topics: readonly string[]): Promise<void>;
  seek(position: FetchPosition): void;
  /** Joins again soon, to show changed claims. */
  rejoin(): void;
  /** The first offset at or after a moment; of the ends of the log otherwise. */
  findOffsets(partitions: PartitionsByTopic, at: 'earliest' | 'latest' | Date): Promise<readonly FetchPosition[]>;
  /** Ends a fetch that waits for something to come. */
  interrupt(): void;
  /** Cuts its connections: what hangs fails. New ones are made when needed. */
  cut(): void;
  /** Stops fetching, leaves the group (after `leaving`) and closes its connections. Idempotent; never rejects. */
  stop(): Promise<void>;
}

export interface MemberOptions {
  readonly groupId: string;
  readonly maxBytesPerPartition: number;
  readonly maxWaitTimeMs: number;
  /** How long a fetch of an idle member may wait for something to come. */
  readonly idleWaitMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
}

/** Everything the transport asks of a Kafka client. Nothing outside `driver/` knows which client it is. */
export interface KafkaDriver {
  createAdmin(): KafkaAdmin;
  createProducer(): KafkaProducer;
  createMember(options: MemberOptions, hooks: MemberHooks): KafkaMember;
  /** Connections that are up now, over all clients. */
  readonly openSockets: number;
  /** A client of the underlying library with the same configuration. */
  unwrap(): unknown;
}
