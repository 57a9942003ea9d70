import { errorType } from '../driver/client-errors.js';
import type { Epoch, FetchPosition, KafkaMember, StoredOffset, TopicPartition } from '../driver/driver.js';
import { partitionsByTopic } from '../driver/group-coordinator.js';
import type { GroupParts } from './group-consumer.js';
import { PartitionSource, type SourceOwner } from './partition-source.js';
import { keyOf } from './assignment-plan.js';
import { decodeNote } from './commit-note.js';
import { DoneRanges } from './done-ranges.js';
import type { ProgressMaps } from './progress-maps.js';
import { type StartFromCheck, startFromText } from './start-from-check.js';

const RETRIABLE = [
  'UNSTABLE_OFFSET_COMMIT',
  'GROUP_LOAD_IN_PROGRESS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
];
const TRIES = 10;
const PAUSE_MS = 100;

export interface OpenRequest {
  readonly partitions: readonly TopicPartition[];
  readonly epoch: Epoch;
  readonly isNewGroup: boolean | undefined;
  readonly member: KafkaMember;
  readonly owner: SourceOwner;
  readonly parts: GroupParts;
  readonly startFrom: StartFromCheck;
  readonly maps: ProgressMaps;
}

/** Where a partition begins that the group has no offset of. */
interface Beginning {
  readonly offset: bigint;
  /** Of the group, if it begins now. */
  readonly began: string | undefined;
}

/**
 * Sources of partitions that are ours from now on, where the group stands. A partition without an offset begins at `startFrom`
 * when the group has never committed anything, and else at its beginning: it came after the group. Where it begins is committed
 * at once, so that `latest` means the group's creation and no later moment; the next commit notes it, for `startFrom` to be compared with.
 */
export async function openSources(request: OpenRequest): Promise<readonly PartitionSource[]> {
  const { epoch, partitions } = request;
  const stored = await retried(() => epoch.coordinator.fetchOffsets(partitionsByTopic(partitions)));
  const created = await createOffsets(
    request,
    stored.filter(({ offset }) => offset === undefined),
  );
  const inheritance = await inheritanceOf(request, stored);
  return stored.flatMap((one) => {
    if (one.offset !== undefined) request.startFrom.compare(decodeNote(one.metadata).began);
    const start = one.offset === undefined ? created.get(keyOf(one)) : { offset: one.offset, began: undefined };
    return start === undefined ? [] : [sourceOf(request, one, start, inheritance)];
  });
}

function sourceOf(
  request: OpenRequest,
  stored: StoredOffset,
  start: Beginning,
  inheritance: Inheritance,
): PartitionSource {
  const { parts, owner, maps } = request;
  const { topic, partition, metadata } = stored;
  const { maxBytesPerPartition, maxUncommitted } = parts.options;
  const facts = {
    topicId: inheritance.topicIds.get(topic),
    inherited: inheritance.of(stored),
    maps,
    group: parts.subscription.group,
    appTopic: parts.names.app(topic) ?? topic,
    topic,
    partition,
    start: start.offset,
    isCommitted: true,
    storedMetadata: metadata,
    began: start.began,
    fetchBytes: maxBytesPerPartition,
  };
  return new PartitionSource(facts, maxUncommitted, owner);
}

/** What predecessors have done past the committed offsets, as far as it is to be believed. */
interface Inheritance {
  readonly topicIds: ReadonlyMap<string, Uint8Array>;
  of(stored: StoredOffset): DoneRanges;
}

async function inheritanceOf(request: OpenRequest, stored: readonly StoredOffset[]): Promise<Inheritance> {
  const { maps, parts } = request;
  const { group } = parts.subscription;
  const topicIds = await topicIdsOf(request, [...new Set(stored.map(({ topic }) => topic))]);
  const withText = stored.filter(({ offset, metadata }) => offset !== undefined && decodeNote(metadata).text !== '');
  const ends = new Map((await endsOf(request, withText)).map((position) => [keyOf(position), position.offset]));
  const of = ({ topic, partition, offset, metadata }: StoredOffset): DoneRanges => {
    if (offset === undefined) return new DoneRanges([]);
    const topicId = topicIds.get(topic);
    const identity = topicId && { group, topic, partition, topicId, base: offset };
    return maps.inherit(
      { group, topic, partition },
      decodeNote(metadata).text,
      identity,
      ends.get(keyOf({ topic, partition })) ?? 0n,
    );
  };
  return { topicIds, of };
}

/** A help only: without ids nothing is skipped. */
async function topicIdsOf(
  { epoch, parts }: OpenRequest,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  try {
    return await epoch.coordinator.topicIds(topics);
  } catch (error) {
    parts.logger.debug('The broker does not tell the ids of topics.', { error: errorType(error) });
    return new Map();
  }
}

async function endsOf(
  { member }: OpenRequest,
  partitions: readonly TopicPartition[],
): Promise<readonly FetchPosition[]> {
  if (partitions.length === 0) return [];
  return retried(async () => complete(partitions, await member.findOffsets(partitionsByTopic(partitions), 'latest')));
}

async function createOffsets(
  request: OpenRequest,
  missing: readonly TopicPartition[],
): Promise<Map<string, Beginning>> {
  if (missing.length === 0) return new Map();
  const { epoch, member, parts } = request;
  const isNewGroup = request.isNewGroup ?? !(await retried(() => epoch.coordinator.hasOffsets()));
  const at = isNewGroup ? parts.subscription.startFrom : 'earliest';
  const positions = await retried(async () =>
    complete(missing, await member.findOffsets(partitionsByTopic(missing), at)),
  );
  await retried(() => epoch.coordinator.commit(epoch, positions.map(uncommented)));
  const began = isNewGroup ? startFromText(at) : undefined;
  return new Map(positions.map((position) => [keyOf(position), { offset: position.offset, began }]));
}

/** A partition that is left out would belong to us and never be read. */
function complete(asked: readonly TopicPartition[], found: readonly FetchPosition[]): readonly FetchPosition[] {
  const keys = new Set(found.map(keyOf));
  const absent = asked.find((partition) => !keys.has(keyOf(partition)));
  if (absent === undefined) return found;
  throw Object.assign(new Error(`Kafka does not know ${keyOf(absent)} yet`), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
}

function uncommented(position: FetchPosition) {
  return { ...position, metadata: '' };
}

/** What a broker says while it is still getting ready is waited for. */
async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries >= TRIES || !RETRIABLE.includes(errorType(error))) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, PAUSE_MS);
      });
    }
  }
}
