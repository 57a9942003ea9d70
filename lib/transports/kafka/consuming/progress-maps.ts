import { diagnostics, type ProgressMapDiagnostic } from '../../../core/diagnostics.js';
import type { BusLogger } from '../../../core/logger.js';
import type { TopicPartition } from '../driver/driver.js';
import { MapLimit } from './map-limit.js';
import { decodeMap, type MapIdentity, type MapRefusal, type OffsetRange } from './offset-map.js';

/** What has become of a group's maps. */
export interface MapCounts {
  /** Partitions gained with a map that was believed and said something. */
  taken: number;
  /** Partitions gained without any: committed by somebody else, or where the broker does not tell topic ids. */
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

/** The event that a frontier waits for. */
export interface HeldEvent {
  readonly offset: string;
  /** Undefined when it has none. */
  readonly key?: string;
}

/** The partition a map is of, by its name on the wire. */
export interface MapPlace extends TopicPartition {
  readonly group: string;
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
   * @returns `recreated` when the offset was committed for an earlier topic by this name
   */
  read(place: MapPlace, text: string, identity: MapIdentity | undefined): readonly OffsetRange[] | 'recreated' {
    if (text === '') {
      this.counts.missing += 1;
      return [];
    }
    const decoded = identity === undefined ? { refused: 'unidentified' as const } : decodeMap(identity, text);
    if (!('refused' in decoded)) return decoded.ranges;
    this.#refuse(place, decoded.refused);
    return decoded.refused === 'incarnation' ? 'recreated' : [];
  }

  /** These ranges, unless they reach beyond the end of the log: then it has lost its end, and what is there now is something else. */
  within(place: MapPlace, ranges: readonly OffsetRange[], end: bigint): readonly OffsetRange[] {
    const last = ranges.at(-1);
    if (last === undefined) return [];
    if (last[1] > end) {
      this.#refuse(place, 'end');
      return [];
    }
    this.counts.taken += 1;
    const events = ranges.reduce((sum, [from, to]) => sum + Number(to - from), 0);
    this.#publish(place, { outcome: 'taken', reason: undefined, events });
    return ranges;
  }

  /** A commit's map leaves so many done events out. */
  truncated(place: MapPlace, events: number): void {
    this.counts.truncated += 1;
    this.#publish(place, { outcome: 'truncated', reason: undefined, events });
  }

  /** A partition stops fetching, because its map would become too large. */
  full({ group, topic, partition }: MapPlace, held: HeldEvent): void {
    this.counts.full += 1;
    const message =
      'A partition fetches no more: one of its events is not done, and more past it could not be remembered in a commit.';
    this.logger.warn(message, { group, topic, partition, ...held });
    this.#publish({ group, topic, partition }, { outcome: 'full', reason: undefined, events: 0 });
  }

  #refuse(place: MapPlace, reason: MapRefusal | 'unidentified'): void {
    this.counts.refused[reason] = (this.counts.refused[reason] ?? 0) + 1;
    const message = 'What a commit says of events done past its offset is not believed; they are handled again.';
    this.logger.warn(message, { ...place, reason });
    this.#publish(place, { outcome: 'refused', reason, events: 0 });
  }

  #publish(
    { group, topic, partition }: MapPlace,
    what: Pick<ProgressMapDiagnostic, 'outcome' | 'reason' | 'events'>,
  ): void {
    if (!diagnostics.progressMap.hasSubscribers) return;
    const report: ProgressMapDiagnostic = { bus: this.bus, group, topic, partition, ...what };
    diagnostics.progressMap.publish(report);
  }
}
