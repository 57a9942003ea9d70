import { type KV, Kvm } from '@nats-io/kv';
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { TopologyError } from '../../../core/errors.js';
import type { BusLogger } from '../../../core/logger.js';
import type { BucketNames } from './names.js';

const NANOS_PER_MS = 1_000_000;
/** A stored message that is not there. */
const NO_MESSAGE = 10_037;

/** Both buckets, on one connection. */
export interface Buckets {
  readonly members: KV;
  readonly claims: KV;
  /** Of the members bucket, as the server has it, in milliseconds. */
  readonly ttlMs: number;
}

export interface BucketOptions {
  readonly names: BucketNames;
  readonly ttlMs: number;
  readonly replicas: number;
  readonly logger: BusLogger;
}

/** One value as the stream's leader has it. */
export interface StoredValue {
  readonly revision: number;
  readonly text: string;
}

/** The stream below a bucket. */
export function streamOfBucket(bucket: string): string {
  return `KV_${bucket}`;
}

/** Where a key of a bucket lies. */
export function subjectOfKey(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** Opens both, and creates what is missing. An existing TTL stays while there are members: leases count on it. @throws TopologyError */
export async function openBuckets(manager: JetStreamManager, options: BucketOptions): Promise<Buckets> {
  const { names, ttlMs, replicas } = options;
  try {
    const kvm = new Kvm(manager.jetstream());
    const [members, claims] = await Promise.all([
      kvm.create(names.members, { ttl: ttlMs, history: 1, replicas }),
      kvm.create(names.claims, { history: 1, replicas }),
    ]);
    return { members, claims, ttlMs: await actualTtl(manager, options) };
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    throw new TopologyError(
      `Cannot have the KV buckets "${names.members}" and "${names.claims}", which say who owns what: ${error.message} (${error.code}).`,
      error,
    );
  }
}

async function actualTtl(manager: JetStreamManager, { names, ttlMs, logger }: BucketOptions): Promise<number> {
  const name = streamOfBucket(names.members);
  const { config, state } = await manager.streams.info(name);
  const actual = config.max_age / NANOS_PER_MS;
  if (actual === ttlMs) return ttlMs;
  if (state.messages === 0) {
    await manager.streams.update(name, { max_age: ttlMs * NANOS_PER_MS });
    return ttlMs;
  }
  if (actual === 0)
    throw new TopologyError(`KV bucket "${names.members}" has no TTL: delete it, it holds nothing that is needed.`);
  logger.warn(
    `NATS: memberTtlMs is ${ttlMs}, but instances are there with ${actual}, which stands until all of them have gone`,
    { bucket: names.members },
  );
  return actual;
}

/** Reads a key from the stream's leader; undefined when it is not there. */
export async function readKey(
  manager: JetStreamManager,
  bucket: string,
  key: string,
): Promise<StoredValue | undefined> {
  try {
    const query = { last_by_subj: subjectOfKey(bucket, key) };
    const message = await manager.streams.getMessage(streamOfBucket(bucket), query);
    return message === null ? undefined : { revision: message.seq, text: message.string() };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
    throw error;
  }
}

/** Removes a key without the marker that a delete would leave, and that would look alive. */
export async function removeKey(manager: JetStreamManager, bucket: string, key: string): Promise<void> {
  await manager.streams.purge(streamOfBucket(bucket), { filter: subjectOfKey(bucket, key) });
}
