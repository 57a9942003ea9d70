const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * Kafka's partitioner: murmur2 of the key's UTF-8 bytes, made positive, modulo the number of partitions. The same key is in
 * the same partition on NATS as on Kafka. Must never change: it decides where a user's keys lie.
 */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

/** 32-bit murmur2 as Kafka's Java client computes it; signed. */
export function murmur2(bytes: Uint8Array): number {
  let hash = SEED ^ bytes.length;
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) hash = Math.imul(hash, M) ^ mix(wordAt(bytes, at));
  if (whole < bytes.length) hash = Math.imul(hash ^ tailAt(bytes, whole), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

function mix(word: number): number {
  const mixed = Math.imul(word, M);
  return Math.imul(mixed ^ (mixed >>> 24), M);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
}

function tailAt(bytes: Uint8Array, at: number): number {
  return byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16);
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
