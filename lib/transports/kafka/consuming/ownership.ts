import { monotonicNow } from '../../../core/clock.js';
import type { ConsumerPort } from '../../../transport/transport.js';
import { PROTOCOL } from '../driver/assignment-wire.js';
import type { Assignment, Claims, Epoch, TopicPartition } from '../driver/driver.js';
import { partitionsByTopic } from '../driver/group-coordinator.js';
import { keyOf } from './assignment-plan.js';
import type { Committer } from './committer.js';
import type { PartitionSource } from './partition-source.js';

/** A lease ends a little before the broker's session does. */
const LEASE_PART = 0.9;

export interface OwnershipOptions {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long a commit at the end of a drain may be tried, in milliseconds. */
  readonly commitDeadlineMs: number;
}

/** What ownership asks of the group consumer. */
export interface OwnershipHost {
  readonly port: ConsumerPort;
  readonly committer: Committer;
  /** Makes sources of partitions that are ours now: reads where the group stands, and creates its offset where it has none. */
  open(
    partitions: readonly TopicPartition[],
    epoch: Epoch,
    isNewGroup: boolean | undefined,
  ): Promise<readonly PartitionSource[]>;
  seek(source: PartitionSource): void;
  rejoin(): void;
}

/**
 * Which partitions are ours, and for how long. A partition that is taken from us is drained and committed while we still claim
 * it; only then we join again without the claim, and somebody else gets it: two rounds. Retained partitions notice nothing.
 */
export class Ownership {
  /** `topic/partition` → its source; also while it drains, until it is released or lost. */
  readonly #sources = new Map<string, PartitionSource>();
  /** What the current assignment gives us. */
  #wanted = new Map<string, TopicPartition>();
  #drains = new WeakMap<PartitionSource, Promise<void>>();
  #epoch: Epoch | undefined;
  #aliveAt = Number.NEGATIVE_INFINITY;
  /** Assignments and releases change the sources one after the other. */
  #tail: Promise<unknown> = Promise.resolve();
  readonly counts = { rebalances: 0, gained: 0, released: 0, lost: 0 };

  constructor(
    private readonly options: OwnershipOptions,
    private readonly host: OwnershipHost,
  ) {}

  get epoch(): Epoch | undefined {
    return this.#epoch;
  }

  get sources(): Iterable<PartitionSource> {
    return this.#sources.values();
  }

  source(partition: TopicPartition): PartitionSource | undefined {
    return this.#sources.get(keyOf(partition));
  }

  get leaseHolds(): boolean {
    return monotonicNow() - this.#aliveAt < this.options.sessionTimeoutMs * LEASE_PART;
  }

  alive(sentAt: number): void {
    if (sentAt > this.#aliveAt) this.#aliveAt = sentAt;
  }

  /** Another member id than ours means that the group has thrown us out: nothing we hold is ours. */
  async joining(memberId: string): Promise<Claims> {
    if (this.#epoch && memberId !== this.#epoch.memberId) this.loseAll();
    if (this.#epoch && this.#epoch.protocol !== PROTOCOL) await this.giveUpAll();
    const owned = partitionsByTopic([...this.#sources.values()]);
    return { generation: this.#epoch?.generation ?? -1, owned };
  }

  assigned(epoch: Epoch, { partitions, isNewGroup }: Assignment): Promise<void> {
    return this.#inTurn(async () => {
      this.counts.rebalances += 1;
      this.#epoch = epoch;
      this.#wanted = new Map(
        Object.entries(partitions).flatMap(([topic, ids]) =>
          ids.map((partition): [string, TopicPartition] => [keyOf({ topic, partition }), { topic, partition }]),
        ),
      );
      this.#letGo(epoch);
      await this.#gain(epoch, isNewGroup);
      this.host.committer.touch();
    });
  }

  /** Drains, commits and releases everything, showing meanwhile that we live. Before leaving, or before an assigner that is not ours. */
  async giveUpAll(): Promise<void> {
    const sources = [...this.#sources.values()];
    const beats = setInterval(() => this.#beat(), this.options.heartbeatIntervalMs);
    await Promise.all(sources.map((source) => this.#drain(source)));
    clearInterval(beats);
    await this.release(sources);
  }

  /** Commits, and gives up without a drain: what runs has been waited for already. */
  async release(sources: readonly PartitionSource[]): Promise<void> {
    await this.host.committer.flush(sources, this.options.commitDeadlineMs);
    for (const source of sources) this.#end(source, 'released');
  }

  /** They are somebody else's already. */
  loseAll(): void {
    for (const source of this.#sources.values()) this.#end(source, 'lost');
    this.#epoch = undefined;
  }

  lose(source: PartitionSource): void {
    this.#end(source, 'lost');
  }

  /** Opens a source anew for a partition that the assignment gives us and that has none. */
  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#epoch === undefined) return;
      for (const source of await this.#gain(this.#epoch, false)) this.host.seek(source);
    });
  }

  /** What the assignment no longer gives us. Under an assigner that is not ours it is somebody else's at this moment. */
  #letGo(epoch: Epoch): void {
    const gone = [...this.#sources.values()].filter(
      (source) => source.state === 'active' && !this.#wanted.has(keyOf(source)),
    );
    if (gone.length === 0) return;
    if (epoch.protocol === PROTOCOL) void this.#handOver(gone);
    else for (const source of gone) this.#end(source, 'lost');
  }

  async #handOver(sources: readonly PartitionSource[]): Promise<void> {
    await Promise.all(sources.map((source) => this.#drain(source)));
    const mine = sources.filter(({ state }) => state !== 'lost');
    if (mine.length === 0) return;
    await this.release(mine);
    if (mine.some((source) => !this.#wanted.has(keyOf(source)))) this.host.rejoin();
    if (mine.some((source) => this.#wanted.has(keyOf(source)))) await this.reopen();
  }

  async #gain(epoch: Epoch, isNewGroup: boolean | undefined): Promise<readonly PartitionSource[]> {
    const missing = [...this.#wanted.values()].filter((partition) => !this.#sources.has(keyOf(partition)));
    if (missing.length === 0) return [];
    const opened = await this.host.open(missing, epoch, isNewGroup);
    if (this.#epoch !== epoch) return []; // lost while the broker was asked: by now they may be somebody else's
    for (const source of opened) {
      this.#sources.set(keyOf(source), source);
      this.counts.gained += 1;
      source.credit = this.host.port.assigned(source);
    }
    return opened;
  }

  #drain(source: PartitionSource): Promise<void> {
    const running = this.#drains.get(source);
    if (running) return running;
    if (source.state === 'active') source.state = 'revoking';
    const drain = this.host.port.revoking(source);
    this.#drains.set(source, drain);
    return drain;
  }

  #end(source: PartitionSource, how: 'released' | 'lost'): void {
    if (source.state === 'lost') return;
    source.state = 'lost';
    if (this.#sources.get(keyOf(source)) === source) this.#sources.delete(keyOf(source));
    this.counts[how] += 1;
    this.host.port.lost(source);
  }

  #beat(): void {
    const epoch = this.#epoch;
    if (epoch === undefined) return;
    const sentAt = monotonicNow();
    epoch.coordinator.heartbeat(epoch).then(
      () => this.alive(sentAt),
      () => undefined,
    );
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(change, change);
    this.#tail = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }
}
