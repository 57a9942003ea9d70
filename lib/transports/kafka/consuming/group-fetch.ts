import type {
  Assignment,
  Claims,
  Epoch,
  FetchedBatch,
  FetchPosition,
  KafkaMember,
  MemberHooks,
  PartitionAnswer,
  PartitionsByTopic,
  TopicPartition,
} from '../driver/driver.js';
import { Committer } from './committer.js';
import { Deafness, type DeafSource } from './deafness.js';
import type { GroupParts } from './group-consumer.js';
import { KafkaDelivery } from './kafka-delivery.js';
import { LogChanges } from './log-changes.js';
import { Ownership } from './ownership.js';
import type { PartitionSource } from './partition-source.js';
import { ProgressMaps } from './progress-maps.js';
import { StartFromCheck } from './start-from-check.js';
import { openSources } from './start-offsets.js';
import { WakeUp } from './wake-up.js';

const A_MOMENT_MS = 5;

/** What a group's members do with the group and with what they fetch: the hooks of every life, one after another. */
export class GroupFetch implements MemberHooks {
  readonly committer: Committer;
  readonly ownership: Ownership;
  readonly firstAssignment: Promise<void>;
  readonly #room = new WakeUp();
  readonly maps: ProgressMaps;
  readonly logs: LogChanges;
  readonly #startFrom: StartFromCheck;
  readonly #deafness = new Deafness();
  #mode: 'fetching' | 'paused' | 'stopped' | 'closing' = 'fetching';
  #isJoining = false;
  /** The next fetch begins elsewhere than kafkajs thinks. */
  #hasSought = false;
  #delivered = 0;
  #overshootMax = 0;
  #assigned: () => void = () => undefined;
  #crashed: (error: Error) => void = () => undefined;

  constructor(
    private readonly parts: GroupParts,
    private readonly member: () => KafkaMember | undefined,
  ) {
    const { options, logger } = parts;
    this.#startFrom = new StartFromCheck(parts.subscription, logger);
    this.maps = new ProgressMaps(parts.bus, logger);
    this.firstAssignment = new Promise((resolve) => (this.#assigned = resolve));
    const scope = {
      intervalMs: options.commitIntervalMs,
      warn: logger.warn.bind(logger),
      ownership: (): Ownership => this.ownership,
      get epoch() {
        return this.ownership().epoch;
      },
      get sources() {
        return this.ownership().sources;
      },
    };
    this.committer = new Committer(scope);
    this.ownership = new Ownership(
      { ...options, commitDeadlineMs: options.sessionTimeoutMs / 2 },
      {
        port: parts.port,
        committer: this.committer,
        open: (partitions, epoch, isNewGroup) => this.#open(partitions, epoch, isNewGroup),
        seek: (source) => this.#seek(source),
        rejoin: () => this.member()?.rejoin(),
      },
    );
    this.logs = new LogChanges({ ownership: this.ownership, committer: this.committer, logger });
  }

  /** Most messages that one fetch brought beyond the credit. */
  get overshootMax(): number {
    return this.#overshootMax;
  }

  /** Events delivered so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** The source that has got nothing for longest, although it should have. */
  get deaf(): DeafSource | undefined {
    const isFetching = this.#mode === 'fetching' && !this.#isJoining && this.ownership.leaseHolds;
    return this.#deafness.find(this.ownership.sources, isFetching);
  }

  pause(): void {
    if (this.#mode !== 'fetching') return;
    this.#mode = 'paused';
    this.member()?.interrupt();
  }

  resume(): void {
    if (this.#mode === 'paused') this.#mode = 'fetching';
    this.#room.wake();
  }

  /** Nothing more is delivered, whatever is still on its way. */
  stop(): void {
    if (this.#mode !== 'closing') this.#mode = 'stopped';
    this.#room.wake();
  }

  closing(): void {
    this.#mode = 'closing';
    this.#room.wake();
  }

  close(): void {
    this.committer.close();
  }

  /** Resolves with what ends the life that begins now. */
  nextCrash(): Promise<Error> {
    return new Promise((resolve) => (this.#crashed = resolve));
  }

  nothingToConsume(): undefined {
    this.#assigned();
  }

  joining(memberId: string): Promise<Claims> {
    this.#isJoining = true;
    return this.ownership.joining(memberId);
  }

  async assigned(epoch: Epoch, assignment: Assignment): Promise<void> {
    await this.ownership.assigned(epoch, assignment);
    this.#isJoining = false;
    this.logs.compare();
    this.#assigned();
  }

  positions(): readonly FetchPosition[] {
    return [...this.ownership.sources].map(positionOf);
  }

  alive(sentAt: number): void {
    this.ownership.alive(sentAt);
  }

  /** At the end of the process the bus has drained already; at a crash what runs is waited for here, while it is still ours. */
  async leaving(): Promise<void> {
    if (this.#mode === 'closing') await this.ownership.release([...this.ownership.sources]);
    else if (this.ownership.leaseHolds) await this.ownership.giveUpAll();
    this.ownership.loseAll();
  }

  fetchable(wanted: readonly FetchPosition[]): readonly TopicPartition[] {
    if (this.#mode !== 'fetching') return [];
    return wanted.filter((position) => {
      const source = this.ownership.source(position);
      if (!source?.mayFetch) return false;
      if (position.offset === source.frontier.position) return true;
      this.#seek(source);
      return false;
    });
  }

  fetchableAgain(ms: number): Promise<void> {
    const hasSought = this.#hasSought;
    this.#hasSought = false;
    return this.#room.sleep(hasSought ? A_MOMENT_MS : ms);
  }

  answered(partition: TopicPartition, answer: PartitionAnswer): void {
    const source = this.ownership.source(partition);
    if (source === undefined) return;
    this.#deafness.answered(source, answer);
    this.logs.answered(source, answer.high);
  }

  batch(batch: FetchedBatch): bigint | undefined {
    const source = this.ownership.source(batch);
    const isTaking = this.#mode === 'fetching' || this.#mode === 'paused';
    if (!isTaking || source?.state !== 'active') return undefined;
    const { messages: credit } = source.credit;
    let delivered = 0;
    for (const message of batch.messages) {
      if (message.offset < source.frontier.position) continue;
      const entry = source.take(message.offset);
      if (entry === undefined) continue;
      delivered += 1;
      this.parts.port.deliver(new KafkaDelivery(source, entry, message));
    }
    this.#delivered += delivered;
    this.#overshootMax = Math.max(this.#overshootMax, delivered - Math.max(0, credit));
    this.skipped(batch, batch.lastOffset);
    return source.frontier.position;
  }

  skipped(partition: TopicPartition, lastOffset: bigint): void {
    const source = this.ownership.source(partition);
    source?.frontier.skipTo(lastOffset + 1n);
    if (source?.isTouched) this.committer.touch();
  }

  outOfRange(partition: TopicPartition, log: { earliest: bigint }): Promise<bigint | undefined> {
    return this.logs.outOfRange(partition, log);
  }

  partitionsOf(topics: readonly string[]): Promise<PartitionsByTopic> {
    return this.parts.partitionsOf(topics);
  }

  crashed(error: Error): void {
    this.#crashed(error);
  }

  /** Called at each settle: whether it may fetch is not worked out while nobody waits for that. */
  #wakeFor(source: PartitionSource): void {
    if (this.#room.hasSleepers && this.#mode === 'fetching' && source.mayFetch) this.#room.wake();
  }

  /** Takes effect with the next fetch, which is to come soon. */
  #seek(source: PartitionSource): void {
    this.#hasSought = true;
    this.member()?.seek(positionOf(source));
    this.#room.wake();
  }

  #open(
    partitions: readonly TopicPartition[],
    epoch: Epoch,
    isNewGroup: boolean | undefined,
  ): Promise<readonly PartitionSource[]> {
    const member = this.member();
    if (member === undefined) return Promise.resolve([]);
    const owner = {
      leaseHolds: () => this.ownership.leaseHolds,
      fetchable: (source: PartitionSource) => this.#wakeFor(source),
      touched: () => this.committer.touch(),
    };
    const { parts, maps } = this;
    const startFrom = this.#startFrom;
    return openSources({ partitions, epoch, isNewGroup, member, owner, parts, startFrom, maps });
  }
}

function positionOf({ topic, partition, frontier }: PartitionSource): FetchPosition {
  return { topic, partition, offset: frontier.position };
}
