import { errorType } from '../driver/client-errors.js';
import type {
  Epoch,
  FetchPosition,
  KafkaMember,
  StoredOffset,
  TopicIdentities,
  TopicPartition,
} from '../driver/driver.js';
import { partitionsByTopic } from '../driver/group-coordinator.js';
import type { GroupParts } from './group-consumer.js';
import { PartitionSource, type SourceOwner } from './partition-source.js';
import { keyOf } from './assignment-plan.js';
import { decodeNote } from './commit-note.js';
import { DoneRanges } from './done-ranges.js';
import { identify, inherit, type Inheritance } from './inheritance.js';
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
const NOTHING: Inheritance = { offset: undefined, done: new DoneRanges([]), isRecreated: false };

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
  const identities = await identify(request, [...new Set(stored.map(({ topic }) => topic))]);
  const inherited = await inherit(request, stored, identities, (some) => endsOf(request, some));
  const created = await createOffsets(
    request,
    stored.filter((one) => inherited.get(keyOf(one))?.offset === undefined),
  );
  return stored.flatMap((one) => {
    if (one.offset !== undefined) request.startFrom.compare(decodeNote(one.metadata).began);
    const { offset, done, isRecreated } = inherited.get(keyOf(one)) ?? NOTHING;
    if (isRecreated) reportRecreated(request, one);
    const start = offset === undefined ? created.get(keyOf(one)) : { offset, began: undefined };
    return start === undefined ? [] : [sourceOf(request, one, { start, done, identities })];
  });
}

function sourceOf(
  { parts, owner, maps }: OpenRequest,
  stored: StoredOffset,
  { start, done, identities }: { start: Beginning; done: DoneRanges; identities: TopicIdentities },
): PartitionSource {
  const { topic, partition, metadata } = stored;
  const { maxBytesPerPartition, maxUncommitted } = parts.options;
  const facts = {
    group: parts.subscription.group,
    appTopic: parts.names.app(topic) ?? topic,
    topic,
    partition,
    start: start.offset,
    isCommitted: true,
    storedMetadata: metadata,
    began: start.began,
    fetchBytes: maxBytesPerPartition,
    cluster: identities.cluster,
    topicId: identities.idByTopic.get(topic),
    inherited: done,
    maps,
  };
  return new PartitionSource(facts, maxUncommitted, owner);
}

function reportRecreated({ parts }: OpenRequest, { topic, partition }: StoredOffset): void {
  const message =
    'The topic is another one by the same name: it was deleted and made again. It is read from its beginning.';
  parts.logger.warn(message, { group: parts.subscription.group, topic: parts.names.app(topic) ?? topic, partition });
}

/** Nothing that is done lies beyond the end of a log. */
async function endsOf(
  { member }: OpenRequest,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, bigint>> {
  if (partitions.length === 0) return new Map();
  const found = await retried(async () =>
    complete(partitions, await member.findOffsets(partitionsByTopic(partitions), 'latest')),
  );
  return new Map(found.map((position) => [keyOf(position), position.offset]));
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
