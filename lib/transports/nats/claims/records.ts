import { claimKey } from './names.js';

/** Who owns a consumer, as it lies in the claims bucket: `{"owner":"<member id>","state":"owned"}`; an empty owner is nobody. */
export interface ClaimRecord {
  /** Id of a member; the claim is valid for as long as that member's key exists. */
  readonly owner: string;
  /** `draining`: to be free soon. */
  readonly state: 'owned' | 'draining';
}

export const FREE: ClaimRecord = { owner: '', state: 'owned' };

/** Stream → how many partitions a member knows it to have, as it lies in the members bucket: `{"streams":{"ORDERS":8}}`. */
export type KnownStreams = Readonly<Record<string, number>>;

export function writeClaim({ owner, state }: ClaimRecord): string {
  return JSON.stringify({ owner, state });
}

/** What cannot be read is nobody's. */
export function readClaim(text: string): ClaimRecord {
  const value = parsed(text);
  const owner: unknown = Reflect.get(value, 'owner');
  if (typeof owner !== 'string') return FREE;
  return { owner, state: Reflect.get(value, 'state') === 'draining' ? 'draining' : 'owned' };
}

export function writeMember(streams: KnownStreams): string {
  return JSON.stringify({ streams });
}

/** The keys of the consumers a member can own; what cannot be read knows none. */
export function readMember(text: string): ReadonlySet<string> {
  const streams: unknown = Reflect.get(parsed(text), 'streams');
  const keys = new Set<string>();
  if (typeof streams !== 'object' || streams === null) return keys;
  for (const [stream, partitions] of Object.entries(streams)) {
    keys.add(claimKey(stream, undefined));
    for (let partition = 0; partition < Number(partitions); partition++) keys.add(claimKey(stream, partition));
  }
  return keys;
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
