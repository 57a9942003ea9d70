import type { Kafka } from 'kafkajs';
import { type MonotonicClock, monotonicNow } from '../../../core/clock.js';
import { type ConnectionCall, onEachConnection } from './connections.js';

/**
 * A member of a group lets kafkajs ask again while a leader is elected, which takes moments, because it would look again only at the
 * next refresh; it goes on with its other partitions when one stays without. In milliseconds.
 */
export const LEADERLESS_MEMBER_MS = 3_000;

/** LEADER_NOT_AVAILABLE, REPLICA_NOT_AVAILABLE, KAFKA_STORAGE_ERROR, LISTENER_NOT_FOUND: of one partition, not of the topic. */
const LEADERLESS: ReadonlySet<number> = new Set([5, 9, 56, 72]);

/** What is touched of an answer. */
interface Metadata {
  readonly topicMetadata: readonly { readonly topic: string; readonly partitionMetadata: readonly Partition[] }[];
}

interface Partition {
  partitionErrorCode: number;
  readonly partitionId: number;
}

/**
 * kafkajs 2.2.4 takes no metadata in which one partition has no leader, and so stops with every partition of every topic that was asked for.
 * With this, such a partition is one whose broker is not found, and the others go on. Only instances made through this client are
 * changed.
 * @returns false when this kafkajs is built differently; it then works as it comes
 */
export function tolerateLeaderless(kafka: Kafka, leaderless: Leaderless): boolean {
  return onEachConnection(kafka, (connection) => {
    const send = connection.send.bind(connection);
    connection.send = (call) => send(call.request.apiName === 'Metadata' ? tolerant(call, leaderless) : call);
  });
}

function tolerant(call: ConnectionCall, leaderless: Leaderless): ConnectionCall {
  const { response } = call;
  const parse = (data: unknown): Promise<unknown> => {
    if (isMetadata(data)) leaderless.tolerate(data);
    return response.parse(data);
  };
  return { ...call, response: { ...response, parse } };
}

/** Answers to requests of our own have other shapes. */
function isMetadata(data: unknown): data is Metadata {
  return typeof data === 'object' && data !== null && 'topicMetadata' in data && Array.isArray(data.topicMetadata);
}

/** Which partitions have no leader, and since when: of one client or of several, one after another. */
export class Leaderless {
  readonly #since = new Map<string, number>();

  /** @param afterMs how long one has to be without a leader before that is taken for granted */
  constructor(
    private readonly afterMs: number,
    private readonly now: MonotonicClock = monotonicNow,
  ) {}

  /** Takes away the error of those that have been without for long enough. */
  tolerate({ topicMetadata }: Metadata): void {
    for (const { topic, partitionMetadata } of topicMetadata) {
      for (const partition of partitionMetadata) this.#one(`${topic}/${partition.partitionId}`, partition);
    }
  }

  #one(name: string, partition: Partition): void {
    if (!LEADERLESS.has(partition.partitionErrorCode)) return void this.#since.delete(name);
    const now = this.now();
    const since = this.#since.get(name) ?? now;
    this.#since.set(name, since);
    if (now - since >= this.afterMs) partition.partitionErrorCode = 0;
  }
}
