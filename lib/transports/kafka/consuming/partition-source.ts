import { monotonicNow } from '../../../core/clock.js';
import type { Credit, Source, SourceMetadata, SourceProgress } from '../../../transport/transport.js';
import type { OffsetToCommit, TopicPartition } from '../driver/driver.js';
import { encodeNote, decodeNote } from './commit-note.js';
import { type Entry, Frontier } from './frontier.js';

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
}

/** What a source asks of who owns it. */
export interface SourceOwner {
  leaseHolds(): boolean;
  /** The source may fetch again. */
  fetchable(): void;
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
  readonly metadata: SourceMetadata;
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
  readonly #began: string | undefined;
  #text: string;
  /** The broker has refused it as too large: until it changes, commits go without. */
  #isRefused = false;
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
    this.frontier = new Frontier(start);
    this.committed = facts.isCommitted ? start : undefined;
    const note = decodeNote(facts.storedMetadata);
    this.#committedMetadata = facts.storedMetadata;
    this.#began = facts.began ?? note.began;
    this.#text = note.text;
    this.metadata = { get: () => this.#text, set: (text) => this.#setText(text) };
    this.progress = progressOf(this, () => this.#lastProgressAt);
  }

  lease(): 'held' | 'unsure' | 'lost' {
    if (this.state === 'lost') return 'lost';
    return this.owner.leaseHolds() ? 'held' : 'unsure';
  }

  replenished(): void {
    if (this.mayFetch) this.owner.fetchable();
  }

  /** Credit covers a whole fetch, and the frontier is not too far behind. */
  get mayFetch(): boolean {
    if (this.state !== 'active' || this.frontier.uncommitted >= this.maxUncommitted) return false;
    const { messages, bytes } = this.credit;
    return messages >= 1 && bytes >= this.fetchBytes;
  }

  deliver(offset: bigint): Entry {
    this.#lastProgressAt = monotonicNow();
    return this.frontier.deliver(offset);
  }

  settle(entry: Entry): void {
    if (this.state === 'lost') return;
    this.#lastProgressAt = monotonicNow();
    this.frontier.settle(entry);
    this.owner.touched();
    this.replenished();
  }

  /** What a commit would say now; undefined when the broker knows it. */
  get uncommitted(): OffsetToCommit | undefined {
    const offset = this.frontier.frontier;
    const metadata = this.#isRefused ? '' : encodeNote({ began: this.#began, text: this.#text });
    const isKnown = offset === this.committed && metadata === this.#committedMetadata;
    if (this.isUncommittable || isKnown) return undefined;
    return { topic: this.topic, partition: this.partition, offset, metadata };
  }

  commitAnswered({ offset, metadata }: OffsetToCommit): void {
    this.committed = offset;
    this.#committedMetadata = metadata;
  }

  /** What is carried is only a help: progress is committed without it. */
  metadataRefused(): void {
    this.#isRefused = true;
  }

  #setText(text: string): void {
    this.#text = text;
    this.#isRefused = false;
    this.owner.touched();
  }
}

function progressOf(source: PartitionSource, lastProgressAt: () => number | undefined): SourceProgress {
  return {
    get lag() {
      if (source.highWatermark === undefined) return undefined;
      return Math.max(0, Number(source.highWatermark - source.frontier.position));
    },
    get lastProgressAt() {
      return lastProgressAt();
    },
  };
}
