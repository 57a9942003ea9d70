import { type Batch, type Consumer, type EachBatchPayload, PartitionAssigners } from 'kafkajs';
import { PROTOCOL } from './assignment-wire.js';
import { rootOf } from './client-errors.js';
import type {
  FetchPosition,
  KafkaMember,
  MemberHooks,
  MemberOptions,
  PartitionsByTopic,
  TopicPartition,
} from './driver.js';
import { gatedBroker } from './gated-fetch.js';
import type { Client } from './kafkajs-driver.js';
import { Interrupts } from './interrupts.js';
import { memberCluster, type MemberCluster } from './kafkajs-internals.js';
import { GroupSession } from './group-session.js';
import { within } from './within.js';

const STOP_TIMEOUT_MS = 5_000;

/**
 * One consumer of kafkajs from its start to its end. Its handlers are never run inside kafkajs: a batch is handed over and the
 * loop goes on. Joining, syncing, leaving, heartbeats and fetches pass through our code, by replacing methods on the one cluster
 * object that kafkajs gives to this member's assigner.
 */
export class KafkajsMember implements KafkaMember {
  readonly #consumer: Consumer;
  readonly #session: GroupSession;
  readonly #interrupts = new Interrupts();
  #cluster: MemberCluster | undefined;
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly client: Client,
    private readonly options: MemberOptions,
    private readonly hooks: MemberHooks,
  ) {
    this.#session = new GroupSession(options, hooks, this);
    this.#consumer = client.kafka.consumer({
      groupId: options.groupId,
      partitionAssigners: [({ cluster }) => this.#takeOver(memberCluster(cluster)), PartitionAssigners.roundRobin],
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatIntervalMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      metadataMaxAge: options.metadataMaxAgeMs,
      maxBytesPerPartition: options.maxBytesPerPartition,
      maxWaitTimeInMs: options.maxWaitTimeMs,
      minBytes: 1,
      allowAutoTopicCreation: false,
      retry: { retries: 5, restartOnFailure: async () => false },
    });
  }

  async start(topics: readonly string[]): Promise<void> {
    this.#listen();
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: async (payload) => this.#take(payload),
    });
  }

  async extend(topics: readonly string[]): Promise<void> {
    await this.#cluster?.addMultipleTargetTopics([...topics]);
    this.#session.subscribe(topics);
  }

  seek({ topic, partition, offset }: FetchPosition): void {
    if (this.#session.isJoined) this.#consumer.seek({ topic, partition, offset: String(offset) });
  }

  rejoin(): void {
    this.#session.rejoin();
  }

  async findOffsets(
    partitions: PartitionsByTopic,
    at: 'earliest' | 'latest' | Date,
  ): Promise<readonly FetchPosition[]> {
    const found = await this.#offsetsAt(partitions, at);
    if (!(at instanceof Date) || found.every(({ offset }) => offset >= 0n)) return found;
    const ends = await this.#offsetsAt(partitions, 'latest');
    return found.map((position) => {
      const end = ends.find(({ topic, partition }) => topic === position.topic && partition === position.partition);
      return position.offset < 0n && end ? end : position;
    });
  }

  interrupt(): void {
    this.#interrupts.interrupt();
  }

  cut(): void {
    this.client.sockets.destroy();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** A join can wait for others for as long as `rebalanceTimeoutMs`: then its connection is cut, and we leave over another one. */
  async #stop(): Promise<void> {
    const { isJoining } = this.#session;
    this.#session.close();
    this.interrupt();
    if (isJoining) {
      this.client.sockets.destroy();
      await within(STOP_TIMEOUT_MS, this.#session.leave());
    }
    await within(STOP_TIMEOUT_MS + this.#session.leaveTimeoutMs, this.#consumer.disconnect());
    this.client.sockets.destroy();
  }

  #takeOver(cluster: MemberCluster) {
    this.#cluster = cluster;
    const findCoordinator = cluster.findGroupCoordinator.bind(cluster);
    const refresh = cluster.refreshMetadataIfNecessary.bind(cluster);
    const findBroker = cluster.findBroker.bind(cluster);
    const gate = {
      hooks: this.hooks,
      idleWaitMs: this.options.idleWaitMs,
      interrupts: this.#interrupts,
      isUrgent: () => this.#session.isUrgent,
      logRange: (partition: TopicPartition) => this.#logRange(partition),
      seek: (position: FetchPosition) => this.seek(position),
    };

    cluster.findGroupCoordinator = async (group) => this.#session.wrap(await findCoordinator(group));
    cluster.findBroker = async (node) => gatedBroker(await findBroker(node), gate);
    cluster.refreshMetadataIfNecessary = async () => {
      this.#session.throwIfRejoining();
      await refresh();
    };
    return { ...this.#session.assigner(cluster), name: PROTOCOL, version: 0 };
  }

  #listen(): void {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, () => {
      this.#session.joined();
      for (const position of this.hooks.positions()) this.seek(position);
    });
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.hooks.skipped(payload, BigInt(payload.lastOffset));
    });
    this.#consumer.on(events.CRASH, ({ payload }) => {
      const crashed = this.#stopped === undefined;
      this.#session.close();
      if (crashed) this.hooks.crashed(rootOf(payload.error));
    });
  }

  #take(payload: EachBatchPayload): void {
    const next = this.hooks.batch(fetched(payload.batch));
    if (next !== undefined) payload.resolveOffset(String(next - 1n));
  }

  async #logRange({ topic, partition }: TopicPartition): Promise<{ earliest: bigint; latest: bigint }> {
    const [earliest] = await this.#offsetsAt({ [topic]: [partition] }, 'earliest');
    const [latest] = await this.#offsetsAt({ [topic]: [partition] }, 'latest');
    return { earliest: earliest?.offset ?? 0n, latest: latest?.offset ?? 0n };
  }

  /** kafkajs leaves out of its answer what its metadata does not have: partitions that were added lately. */
  async #learn(cluster: MemberCluster, partitions: PartitionsByTopic): Promise<void> {
    const isKnown = (topic: string, id: number): boolean =>
      cluster.findTopicPartitionMetadata(topic).some(({ partitionId }) => partitionId === id);
    const isAllKnown = Object.entries(partitions).every(([topic, ids]) => ids.every((id) => isKnown(topic, id)));
    if (!isAllKnown) await cluster.refreshMetadata();
  }

  async #offsetsAt(partitions: PartitionsByTopic, at: 'earliest' | 'latest' | Date): Promise<FetchPosition[]> {
    const cluster = this.#cluster;
    if (cluster === undefined) throw new Error('the member has not been started');
    await this.#learn(cluster, partitions);
    const where = at instanceof Date ? { fromTimestamp: at.getTime() } : { fromBeginning: at === 'earliest' };
    const answer = await cluster.fetchTopicsOffset(
      Object.entries(partitions).map(([topic, ids]) => ({
        topic,
        partitions: ids.map((partition) => ({ partition })),
        ...where,
      })),
    );
    return answer.flatMap(({ topic, partitions: found }) =>
      found.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) })),
    );
  }
}

function fetched(batch: Batch) {
  return {
    topic: batch.topic,
    partition: batch.partition,
    lastOffset: BigInt(batch.lastOffset()),
    messages: batch.messages.map(({ offset, key, value, headers, timestamp }) => ({
      offset: BigInt(offset),
      key,
      value,
      headers: headers ?? {},
      timestamp: Number(timestamp),
    })),
  };
}
