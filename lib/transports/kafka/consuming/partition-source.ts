import { monotonicNow } from '../../../core/clock.js';
import type { Credit, Source, SourceProgress } from '../../../transport/transport.js';
import type { OffsetToCommit, TopicPartition } from '../driver/driver.js';
import { decodeNote, encodeNote } from './commit-note.js';
import type { DoneRanges } from './done-ranges.js';
import { type Entry, Frontier } from './frontier.js';
import { mapBytesOf } from './map-limit.js';
import { encodeMap } from './offset-map.js';
import type { HeldEvent, ProgressMaps } from './progress-maps.js';

/** What a source is made from. */
export interface SourceFacts extends TopicPartition {
  readonly group: string;
  /** The application's name of the topic. */
  readonly appTopic: string;
  /** Where the group stands. */
  readonly start: bigint;
  readonly isCommitted: boolean;
  readonly storedMetadata: string;
  /** Where the group begins, to be noted with the next commit; undefined: as noted in what is stored. */
  readonly began?: string | undefined;
  readonly fetchBytes: number;
  readonly cluster: string;
  /** Which topic of this name it is; undefined where the broker does not tell: then no maps are written. */
  readonly topicId: Uint8Array | undefined;
  /** What a predecessor has done from `start` on. */
  readonly inherited: DoneRanges;
  readonly maps: ProgressMaps;
}

/** Of a key, in logs and health. */
const MOST_KEY_BYTES = 100;

/** What a source asks of who owns it. */
export interface SourceOwner {
  leaseHolds(): boolean;
  /** The source may be able to fetch again: to be asked when somebody waits for that. */
  fetchable(source: PartitionSource): void;
  /** There is something to commit. */
  touched(): void;
}

/** One period in which this process owns a partition. */
export class PartitionSource implements Source, TopicPartition {
  readonly name: string;
  readonly group: string;
  readonly topic: string;
  readonly appTopic: string;
  readonly partition: number;
  readonly fetchBytes: number;
  readonly frontier: Frontier;
  readonly topicId: Uint8Array | undefined;
  readonly progress: SourceProgress;

  /** The broker's word: everything before it is committed. Undefined before the first commit. */
  committed: bigint | undefined;
  credit: Credit = { messages: 0, bytes: 0 };
  /** End of the log as last seen. */
  highWatermark: bigint | undefined;
  state: 'active' | 'revoking' | 'lost' = 'active';
  /** The broker refuses commits of this partition for good: its topic is gone. */
  isUncommittable = false;
  #committedMetadata: string;
  /** Of the frontier, when the broker last knew all of it. */
  #knownChanges = -1;
  readonly #began: string | undefined;
  /** The broker takes not even the note: commits go without. */
  #isBare = false;
  #isFull = false;
  readonly #maps: ProgressMaps;
  readonly #cluster: string;
  #lastProgressAt: number | undefined;

  constructor(
    facts: SourceFacts,
    private readonly maxUncommitted: number,
    private readonly owner: SourceOwner,
  ) {
    const { group, appTopic, topic, partition, start } = facts;
    this.name = `${group}/${appTopic}[${partition}]`;
    this.group = group;
    this.topic = topic;
    this.appTopic = appTopic;
    this.partition = partition;
    this.fetchBytes = facts.fetchBytes;
    this.frontier = new Frontier(start, facts.inherited);
    this.committed = facts.isCommitted ? start : undefined;
    this.topicId = facts.topicId;
    this.#cluster = facts.cluster;
    this.#maps = facts.maps;
    this.#committedMetadata = facts.storedMetadata;
    this.#began = facts.began ?? decodeNote(facts.storedMetadata).began;
    this.progress = progressOf(this, () => this.#lastProgressAt, maxUncommitted);
  }

  lease(): 'held' | 'unsure' | 'lost' {
    if (this.state === 'lost') return 'lost';
    return this.owner.leaseHolds() ? 'held' : 'unsure';
  }

  replenished(): void {
    this.owner.fetchable(this);
  }

  /** Credit covers a whole fetch, the frontier is not too far behind, and what is done past it can be said in a commit. */
  get mayFetch(): boolean {
    if (this.state !== 'active' || this.frontier.uncommitted >= this.maxUncommitted || this.isMapFull) return false;
    const { messages, bytes } = this.credit;
    return messages >= 1 && bytes >= this.fetchBytes;
  }

  /** More past the frontier would become too large to be remembered. What was inherited is fetched all the same: it becomes less with that. */
  get isMapFull(): boolean {
    const isOurs = this.topicId !== undefined && !this.frontier.isCatchingUp;
    const isFull = isOurs && this.#maps.limit.isFull(this.mapBytes, this.#note.length);
    if (isFull && !this.#isFull && this.held) this.#maps.full(this, this.held);
    this.#isFull = isFull;
    return isFull;
  }

  /** What the map needs at most, in bytes. */
  get mapBytes(): number {
    return mapBytesOf(this.frontier);
  }

  /** The event that the frontier waits for; undefined when there is none. */
  get held(): HeldEvent | undefined {
    const { held } = this.frontier;
    if (held === undefined) return undefined;
    return { offset: String(held.offset), ...(held.key && { key: shownKey(held.key) }) };
  }

  /** @returns undefined when a predecessor has done it: it is not to be delivered */
  take(offset: bigint): Entry | undefined {
    this.#lastProgressAt = monotonicNow();
    if (!this.frontier.takeInherited(offset)) return this.frontier.deliver(offset);
    this.#maps.counts.skipped += 1;
    return undefined;
  }

  settle(entry: Entry): void {
    if (this.state === 'lost') return;
    this.#lastProgressAt = monotonicNow();
    this.frontier.settle(entry);
    this.owner.touched();
    this.replenished();
  }

  /** Whether there may be something that the broker does not know. */
  get isTouched(): boolean {
    return !this.isUncommittable && this.#knownChanges !== this.frontier.changes;
  }

  /** What a commit would say now; undefined when the broker knows it. */
  get uncommitted(): OffsetToCommit | undefined {
    if (!this.isTouched) return undefined;
    const { topic, partition } = this;
    const offset = this.frontier.frontier;
    const metadata = this.#metadata(offset);
    if (offset !== this.committed || metadata !== this.#committedMetadata)
      return { topic, partition, offset, metadata };
    this.#knownChanges = this.frontier.changes;
    return undefined;
  }

  commitAnswered({ offset, metadata }: OffsetToCommit): void {
    this.committed = offset;
    this.#committedMetadata = metadata;
  }

  /** What is carried is only a help: progress is committed with less of it, or without. */
  metadataRefused({ metadata }: OffsetToCommit): void {
    if (metadata.length <= this.#note.length) this.#isBare = true;
    this.#maps.limit.refused(metadata.length);
    this.#knownChanges = -1;
  }

  get #note(): string {
    return this.#isBare ? '' : encodeNote({ began: this.#began, text: '' });
  }

  #metadata(base: bigint): string {
    const { group, topic, partition, topicId, frontier } = this;
    if (topicId === undefined || this.#isBare) return this.#note;
    const identity = { cluster: this.#cluster, group, topic, partition, topicId, base };
    const room = this.#maps.limit.bodyBytes(this.#note.length + 1);
    const { text, left } = encodeMap(identity, frontier.runs(), room);
    if (left > 0) this.#maps.truncated(this, left);
    return text === '' ? this.#note : encodeNote({ began: this.#began, text });
  }
}

/** For people: text as it is, cut; bytes that are no text show as such. */
function shownKey(key: Uint8Array): string {
  return Buffer.from(key).toString('utf8', 0, MOST_KEY_BYTES);
}

function progressOf(
  source: PartitionSource,
  lastProgressAt: () => number | undefined,
  maxUncommitted: number,
): SourceProgress {
  return {
    get lag() {
      if (source.highWatermark === undefined) return undefined;
      return Math.max(0, Number(source.highWatermark - source.frontier.position));
    },
    get lastProgressAt() {
      return lastProgressAt();
    },
    get heldBy() {
      const { uncommitted } = source.frontier;
      if (uncommitted >= maxUncommitted) return `${uncommitted} events past the oldest unsettled one (maxUncommitted)`;
      return source.isMapFull ? 'more past the oldest unsettled event than a commit can remember' : undefined;
    },
  };
}
