import type { LogFields } from '../../../core/logger.js';
import { errorType } from '../driver/client-errors.js';
import type { Epoch, OffsetToCommit } from '../driver/driver.js';
import type { PartitionSource } from './partition-source.js';

/** What is refused because of one partition, and would hold up the commits of all others. */
const TOO_MUCH_METADATA = 'OFFSET_METADATA_TOO_LARGE';
const ONE_PARTITION = ['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_AUTHORIZATION_FAILED', TOO_MUCH_METADATA];
const RETRY_MS = 50;

export interface CommitCounts {
  commits: number;
  /** Kafka's error → how often. Around a rebalance some are refused: expected, and committed again. */
  commitErrors: Record<string, number>;
}

/** What the committer asks of the group it commits for. */
export interface CommitScope {
  /** Undefined while the group has not let us in: nothing can be committed then. */
  readonly epoch: Epoch | undefined;
  readonly sources: Iterable<PartitionSource>;
  readonly intervalMs: number;
  warn(message: string, fields: LogFields): void;
}

/** A source, and what is to be committed of it. */
interface Pending {
  readonly source: PartitionSource;
  readonly offset: OffsetToCommit;
}

/**
 * Commits the frontiers of a group's sources: every `intervalMs` while there is something to commit, one commit at a time, signed
 * with the epoch of the moment. No timer while there is nothing to do.
 */
export class Committer {
  readonly counts: CommitCounts = { commits: 0, commitErrors: {} };
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(private readonly scope: CommitScope) {}

  /** There is something to commit. */
  touch(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#tick(), this.scope.intervalMs);
  }

  /**
   * Commits these sources until the broker has them, they are lost, or `deadlineMs` have passed.
   * @returns whether it has them all
   */
  async flush(sources: readonly PartitionSource[], deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      await this.#commit();
      const isDone = sources.every((source) => source.state === 'lost' || source.uncommitted === undefined);
      if (isDone) return sources.every(({ state }) => state !== 'lost');
      if (performance.now() + RETRY_MS > end) return false;
      await pause(RETRY_MS);
    }
  }

  /** Resolves when the broker has an offset of this source at or after `offset`; false: it will not, or not in time. */
  async reach(source: PartitionSource, offset: bigint, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      if (source.committed !== undefined && source.committed >= offset) return true;
      if (source.state === 'lost' || performance.now() > end) return false;
      if (source.frontier.frontier < offset) return false;
      await this.#commit();
      if (source.committed === undefined || source.committed < offset) await pause(RETRY_MS);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #tick(): Promise<void> {
    await this.#commit();
    this.#timer = undefined;
    for (const { isTouched } of this.scope.sources) if (isTouched) return this.touch();
  }

  async #commit(): Promise<void> {
    while (this.#running) await this.#running;
    this.#running = this.#commitAll();
    await this.#running;
    this.#running = undefined;
  }

  async #commitAll(): Promise<void> {
    const { epoch } = this.scope;
    const pending = [...this.scope.sources].flatMap((source): Pending[] => {
      const offset = source.uncommitted;
      return offset ? [{ source, offset }] : [];
    });
    if (epoch === undefined || pending.length === 0) return;
    const failed = await this.#send(epoch, pending);
    if (failed === undefined || !ONE_PARTITION.includes(failed)) return;
    for (const single of pending) {
      const type = await this.#send(epoch, [single]);
      if (type === undefined || !ONE_PARTITION.includes(type)) continue;
      this.#refused(single, type);
    }
  }

  #refused({ source, offset }: Pending, error: string): void {
    const { appTopic: topic, partition } = source;
    if (error === TOO_MUCH_METADATA) {
      const characters = offset.metadata.length;
      source.metadataRefused(offset);
      const message = 'The broker takes no metadata of this size; progress is committed with less of it.';
      this.scope.warn(message, { topic, partition, characters, error });
      return;
    }
    source.isUncommittable = true;
    this.scope.warn('The progress of a partition cannot be committed.', { topic, partition, error });
  }

  /** @returns Kafka's error, or undefined when it has been committed */
  async #send(epoch: Epoch, pending: readonly Pending[]): Promise<string | undefined> {
    try {
      await epoch.coordinator.commit(
        epoch,
        pending.map(({ offset }) => offset),
      );
    } catch (error) {
      const type = errorType(error);
      this.counts.commitErrors[type] = (this.counts.commitErrors[type] ?? 0) + 1;
      return type;
    }
    this.counts.commits += 1;
    for (const { source, offset } of pending) source.commitAnswered(offset);
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
