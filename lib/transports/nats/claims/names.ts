/** What the keys of members begin with: one that takes part, one that is leaving. */
export type MemberKind = 'm' | 'l';

/** The two KV buckets of a group. */
export interface BucketNames {
  /** One key per living instance; with a TTL. */
  readonly members: string;
  /** One key per consumer: who owns it. */
  readonly claims: string;
}

/** A member as its key says it. */
export interface MemberKey {
  readonly kind: MemberKind;
  readonly id: string;
  /** `instanceId` of the options, if it was given. */
  readonly name: string | undefined;
}

/**
 * `billing-members` and `billing-claims`. A bucket's name has letters, digits, `_` and `-` only: `_` is written `__` and a dot `_-`, so that
 * two groups never share one. Must never change: instances that look into different buckets would own the same consumers.
 */
export function bucketNames(topicPrefix: string, group: string): BucketNames {
  const name = (topicPrefix + group).replaceAll('_', '__').replaceAll('.', '_-');
  return { members: `${name}-members`, claims: `${name}-claims` };
}

/** `ORDERS` for what lies in no partition, `ORDERS.3`. What a KV key cannot hold of a foreign stream's name is written `=` and its bytes in hex. */
export function claimKey(stream: string, partition: number | undefined): string {
  const name = stream.replaceAll(/[^\w-]/gu, (letter) => `=${Buffer.from(letter).toString('hex')}`);
  return partition === undefined ? name : `${name}.${partition}`;
}

/** The stream's part of a claim's key. */
export function streamOf(key: string): string {
  return key.split('.')[0] ?? key;
}

/** `m.<id>`, or `m.<id>.<instanceId>`. */
export function memberKey({ kind, id, name }: MemberKey): string {
  return name === undefined ? `${kind}.${id}` : `${kind}.${id}.${name}`;
}

/** Undefined for what is no member's. */
export function readMemberKey(key: string): MemberKey | undefined {
  const [kind, id, name] = key.split('.');
  if ((kind !== 'm' && kind !== 'l') || id === undefined || id === '') return undefined;
  return { kind, id, name };
}
