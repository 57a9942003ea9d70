import { diagnostics, type ProgressMapDiagnostic } from '../../../core/diagnostics.js';
import type { BusLogger } from '../../../core/logger.js';
import type { TopicPartition } from '../driver/driver.js';
import { DoneRanges } from './done-ranges.js';
import { MapLimit } from './map-limit.js';
import { decodeMap, type MapIdentity, type MapRefusal } from './offset-map.js';

/** What has become of a group's maps. */
export interface MapCounts {
  /** Partitions gained with a map that was believed. */
  taken: number;
  /** Partitions gained without any: the usual case, for nothing was done past the first event that was not. */
  missing: number;
  /** Why a map was not believed → how often. What it said done is handled again. */
  readonly refused: Partial<Record<MapRefusal | 'unidentified', number>>;
  /** Events that were not delivered because a map says that they are done. */
  skipped: number;
  /** Commits whose map did not fit whole. */
  truncated: number;
  /** How often a partition has stopped fetching before its map became too large. */
  full: number;
}

/** The maps of one group's partitions: believed or refused when a partition is gained, counted, and told. */
export class ProgressMaps {
  readonly limit = new MapLimit();
  readonly counts: MapCounts = { taken: 0, missing: 0, refused: {}, skipped: 0, truncated: 0, full: 0 };

  constructor(
    private readonly bus: string,
    private readonly logger: BusLogger,
  ) {}

  /**
   * What the predecessor has done from the committed offset on; nothing when in doubt.
   * @param identity undefined where the broker does not tell topic ids: then nothing is believed
   * @param end of the log: nothing beyond it can have been done
   */
  inherit(
    partition: TopicPartition & { group: string },
    text: string,
    identity: MapIdentity | undefined,
    end: bigint,
  ): DoneRanges {
    const none = new DoneRanges([]);
    if (text === '') {
      this.counts.missing += 1;
      return none;
    }
    const decoded = identity === undefined ? { refused: 'unidentified' as const } : decodeMap(identity, text);
    if ('refused' in decoded) return this.#refuse(partition, decoded.refused, none);
    const last = decoded.ranges.at(-1);
    if (last !== undefined && last[1] > end) return this.#refuse(partition, 'end', none);
    this.counts.taken += 1;
    const events = decoded.ranges.reduce((sum, [from, to]) => sum + Number(to - from), 0);
    this.#publish(partition, { outcome: 'taken', reason: undefined, events });
    return new DoneRanges(decoded.ranges);
  }

  /** A commit's map leaves so many done events out. */
  truncated(partition: TopicPartition & { group: string }, events: number): void {
    this.counts.truncated += 1;
    this.#publish(partition, { outcome: 'truncated', reason: undefined, events });
  }

  /** A partition stops fetching, because its map would become too large. */
  full(
    partition: TopicPartition & { group: string },
    fields: { readonly offset: string; readonly key: string | undefined },
  ): void {
    this.counts.full += 1;
    const { group, topic, partition: id } = partition;
    const { offset, key } = fields;
    this.logger.warn(
      'A partition fetches no more: one of its events is not done, and too much past it is to be remembered.',
      {
        group,
        topic,
        partition: id,
        offset,
        ...(key === undefined ? {} : { key }),
      },
    );
    this.#publish(partition, { outcome: 'full', reason: undefined, events: 0 });
  }

  #refuse<T>(partition: TopicPartition & { group: string }, reason: MapRefusal | 'unidentified', none: T): T {
    this.counts.refused[reason] = (this.counts.refused[reason] ?? 0) + 1;
    const { group, topic, partition: id } = partition;
    this.logger.warn('What a commit says of events done past its offset is not believed; they are handled again.', {
      group,
      topic,
      partition: id,
      reason,
    });
    this.#publish(partition, { outcome: 'refused', reason, events: 0 });
    return none;
  }

  #publish(
    { group, topic, partition }: TopicPartition & { group: string },
    what: Pick<ProgressMapDiagnostic, 'outcome' | 'reason' | 'events'>,
  ): void {
    if (!diagnostics.progressMap.hasSubscribers) return;
    const report: ProgressMapDiagnostic = { bus: this.bus, group, topic, partition, ...what };
    diagnostics.progressMap.publish(report);
  }
}
