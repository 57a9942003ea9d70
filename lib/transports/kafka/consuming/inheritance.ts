import { errorType } from '../driver/client-errors.js';
import type { StoredOffset, TopicIdentities } from '../driver/driver.js';
import { keyOf } from './assignment-plan.js';
import { decodeNote } from './commit-note.js';
import { DoneRanges } from './done-ranges.js';
import type { OpenRequest } from './start-offsets.js';

/** What a partition's last owner has left. */
export interface Inheritance {
  /** The committed offset; undefined where there is none, or one of an earlier topic by this name. */
  readonly offset: bigint | undefined;
  /** What is done from there on. */
  readonly done: DoneRanges;
  readonly isRecreated: boolean;
}

/** Reads what is stored, as far as it is to be believed. @param endOf ends of the logs of these partitions */
export async function inherit(
  { maps, parts }: OpenRequest,
  stored: readonly StoredOffset[],
  { cluster, idByTopic }: TopicIdentities,
  endsOf: (partitions: readonly StoredOffset[]) => Promise<ReadonlyMap<string, bigint>>,
): Promise<ReadonlyMap<string, Inheritance>> {
  const { group } = parts.subscription;
  const read = stored.map((one) => {
    const { topic, partition, offset } = one;
    const topicId = idByTopic.get(topic);
    const identity =
      topicId && offset !== undefined ? { cluster, group, topic, partition, topicId, base: offset } : undefined;
    const what =
      offset === undefined ? [] : maps.read({ group, topic, partition }, decodeNote(one.metadata).text, identity);
    return { one, isRecreated: what === 'recreated', ranges: what === 'recreated' ? [] : what };
  });
  const ends = await endsOf(read.filter(({ ranges }) => ranges.length > 0).map(({ one }) => one));
  return new Map(
    read.map(({ one, isRecreated, ranges }) => {
      const { topic, partition } = one;
      const believed = maps.within({ group, topic, partition }, ranges, ends.get(keyOf(one)) ?? 0n);
      const offset = isRecreated ? undefined : one.offset;
      return [keyOf(one), { offset, isRecreated, done: new DoneRanges(believed) }];
    }),
  );
}

/** A help only: without ids nothing is skipped. */
export async function identify({ epoch, parts }: OpenRequest, topics: readonly string[]): Promise<TopicIdentities> {
  try {
    return await epoch.coordinator.identify(topics);
  } catch (error) {
    parts.logger.debug('The broker does not tell the ids of topics.', { error: errorType(error) });
    return { cluster: '', idByTopic: new Map() };
  }
}
