import { crc32 } from 'node:zlib';
import { murmur2 } from '../../../core/murmur2.js';
import { fewestBits, packBits, packRuns, unpackBits, unpackRuns } from './offset-map-bodies.js';

/**
 * Progress past a gap, as text in a commit's metadata: `done/1 ` and base64 of kind (1 byte), checksum (4), scope (4), base
 * offset (8), topic id (16) and body. Fixed for ever: instances of different releases read each other's commits.
 */
const MAGIC = 'done/1 ';
const HEAD_BYTES = 33;
const AT = { kind: 0, checksum: 1, scope: 5, base: 9, topicId: 17 } as const;
const RUNS = 1;
const BITS = 2;
export const TOPIC_ID_BYTES = 16;

/** What a map belongs to. One that belongs to anything else is not believed. */
export interface MapIdentity {
  readonly cluster: string;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Which topic of this name: another one after it was deleted and made again. */
  readonly topicId: Uint8Array;
  /** The offset that is committed with it. */
  readonly base: bigint;
}

/** Offsets from the first up to, and not including, the second. */
export type OffsetRange = readonly [from: bigint, to: bigint];

/**
 * - `foreign`: not a map of ours
 * - `checksum`: damaged, or of a form we do not know
 * - `scope`: of another cluster, group, topic or partition: somebody copied it
 * - `base`: made for another committed offset
 * - `incarnation`: of an earlier topic by this name
 * - `end`: beyond the end of the log
 */
export type MapRefusal = 'foreign' | 'checksum' | 'scope' | 'base' | 'incarnation' | 'end';

export type DecodedMap = { readonly ranges: readonly OffsetRange[] } | { readonly refused: MapRefusal };

/** How many bytes of body fit into so many characters of metadata. Negative: not even an empty map. */
export function bodyBytesIn(characters: number): number {
  return Math.floor((characters - MAGIC.length) / 4) * 3 - HEAD_BYTES;
}

/**
 * A map tells which topic its offset belongs to even when nothing is done past it.
 * @param runs lengths in offsets from the base on: not done, done, not done, done, …; the first may be 0
 * @param mostBytes of body. What does not fit is left out from the end: it would be handled again
 * @returns the text, empty when there is no room for any, and how many done offsets were left out
 */
export function encodeMap(
  identity: MapIdentity,
  runs: readonly number[],
  mostBytes: number,
): { readonly text: string; readonly left: number } {
  const done = doneIn(runs);
  if (mostBytes < 0) return { text: '', left: done };
  const packed = packRuns(runs, mostBytes);
  if (packed.done === done && packed.body.length <= fewestBits(runs))
    return { text: textOf(identity, RUNS, packed.body), left: 0 };
  const bits = packBits(runs, mostBytes);
  const [kind, best] = bits.done >= packed.done ? ([BITS, bits] as const) : ([RUNS, packed] as const);
  return { text: textOf(identity, kind, best.body), left: done - best.done };
}

/** @returns what is done past the base, in order; nothing is believed that was not made for this identity */
export function decodeMap(identity: MapIdentity, text: string): DecodedMap {
  if (!text.startsWith(MAGIC)) return { refused: 'foreign' };
  const bytes = Buffer.from(text.slice(MAGIC.length), 'base64');
  if (bytes.length < HEAD_BYTES || bytes.readUInt32BE(AT.checksum) !== checksumOf(bytes))
    return { refused: 'checksum' };
  if (bytes.readUInt32BE(AT.scope) !== scopeOf(identity)) return { refused: 'scope' };
  if (bytes.readBigInt64BE(AT.base) !== identity.base) return { refused: 'base' };
  if (!bytes.subarray(AT.topicId, HEAD_BYTES).equals(identity.topicId)) return { refused: 'incarnation' };
  const lengths = lengthsOf(bytes.readUInt8(AT.kind), bytes.subarray(HEAD_BYTES));
  return lengths === undefined ? { refused: 'checksum' } : { ranges: rangesOf(identity.base, lengths) };
}

function textOf(identity: MapIdentity, kind: number, body: Uint8Array): string {
  const bytes = Buffer.alloc(HEAD_BYTES + body.length);
  bytes.writeUInt8(kind, AT.kind);
  bytes.writeUInt32BE(scopeOf(identity), AT.scope);
  bytes.writeBigInt64BE(identity.base, AT.base);
  bytes.set(identity.topicId, AT.topicId);
  bytes.set(body, HEAD_BYTES);
  bytes.writeUInt32BE(checksumOf(bytes), AT.checksum);
  return MAGIC + bytes.toString('base64');
}

/** Of everything but itself. */
function checksumOf(bytes: Buffer): number {
  return crc32(bytes.subarray(AT.scope), crc32(bytes.subarray(AT.kind, AT.checksum)));
}

function scopeOf({ cluster, group, topic, partition }: MapIdentity): number {
  return murmur2(Buffer.from([cluster, group, topic, partition].join('\0')));
}

function lengthsOf(kind: number, body: Uint8Array): readonly number[] | undefined {
  if (kind === RUNS) return unpackRuns(body);
  return kind === BITS ? unpackBits(body) : undefined;
}

function rangesOf(base: bigint, lengths: readonly number[]): OffsetRange[] {
  const ranges: OffsetRange[] = [];
  let at = base;
  for (const [index, length] of lengths.entries()) {
    const next = at + BigInt(length);
    if (index % 2 === 1 && length > 0) ranges.push([at, next]);
    at = next;
  }
  return ranges;
}

function doneIn(runs: readonly number[]): number {
  let done = 0;
  for (let i = 1; i < runs.length; i += 2) done += runs[i] ?? 0;
  return done;
}
