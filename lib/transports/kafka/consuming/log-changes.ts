import type { BusLogger } from '../../../core/logger.js';
import { errorType } from '../driver/client-errors.js';
import type { TopicPartition } from '../driver/driver.js';
import type { Committer } from './committer.js';
import type { Ownership } from './ownership.js';
import type { PartitionSource } from './partition-source.js';

/** What is asked of the group whose logs are watched. */
export interface LogChangesHost {
  readonly ownership: Ownership;
  readonly committer: Committer;
  readonly logger: BusLogger;
}

/** What happens to the logs themselves while they are consumed: retention takes their begin, topics are deleted and made again. */
export class LogChanges {
  readonly counts = { lostToRetention: 0, recreated: 0 };
  #comparing: Promise<void> | undefined;

  constructor(private readonly host: LogChangesHost) {}

  /** The position is not in the log. Resolves with where to go on; undefined: there is another source now, or none. */
  async outOfRange(partition: TopicPartition, { earliest }: { earliest: bigint }): Promise<bigint | undefined> {
    const { ownership, committer } = this.host;
    const source = ownership.source(partition);
    if (source === undefined) return undefined;
    const { position } = source.frontier;
    if (position < earliest) {
      const lost = source.frontier.undoneUpTo(earliest);
      this.counts.lostToRetention += lost;
      this.#report('Events were deleted by retention before they were delivered.', source, { lost });
      source.frontier.skipTo(earliest);
      committer.touch();
      return earliest;
    }
    this.#report(
      'The log ends before our position: the topic was recreated or truncated. It is read from its beginning.',
      source,
      {},
    );
    const { epoch } = ownership;
    ownership.lose(source);
    await epoch?.coordinator.commit(epoch, [{ ...partition, offset: earliest, metadata: '' }]);
    await ownership.reopen();
    return undefined;
  }

  /** A log that has become shorter may be another one. */
  answered(source: PartitionSource, high: bigint): void {
    const isShorter = source.highWatermark !== undefined && high < source.highWatermark;
    source.highWatermark = high;
    if (isShorter) this.compare();
  }

  /** Asks which topics these are now: what is ours of another one by the same name is lost, and opened anew from its beginning. */
  compare(): void {
    this.#comparing ??= this.#compare()
      .catch((error: unknown) => this.host.logger.debug('Cannot compare topics.', { error: errorType(error) }))
      .finally(() => (this.#comparing = undefined));
  }

  /** Resolves when no comparison is under way. */
  async settled(): Promise<void> {
    await this.#comparing;
  }

  async #compare(): Promise<void> {
    const { ownership } = this.host;
    const known = [...ownership.sources].filter(({ topicId, state }) => topicId !== undefined && state === 'active');
    if (ownership.epoch === undefined || known.length === 0) return;
    const topics = [...new Set(known.map(({ topic }) => topic))];
    const { idByTopic } = await ownership.epoch.coordinator.identify(topics);
    const others = known.filter(({ topic, topicId }) => {
      const id = idByTopic.get(topic);
      return id !== undefined && topicId !== undefined && Buffer.compare(id, topicId) !== 0;
    });
    if (others.length === 0) return;
    this.counts.recreated += others.length;
    for (const source of others) ownership.lose(source);
    await ownership.reopen();
  }

  #report(message: string, { group, appTopic: topic, partition }: PartitionSource, fields: object): void {
    this.host.logger.error(message, { group, topic, partition, ...fields });
  }
}
