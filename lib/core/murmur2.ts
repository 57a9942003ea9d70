const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** The hash by which every Kafka client spreads keys, as an unsigned 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let i = 0; i < whole; i += 4) {
    hash =
      Math.imul(hash, MULTIPLIER) ^
      scramble(at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24));
  }
  if (length > whole) {
    for (let i = length - 1; i >= whole; i -= 1) hash ^= at(bytes, i) << (8 * (i - whole));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** The partition of a key, given its UTF-8 bytes: the same on every transport, and the one any Kafka client chooses. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function scramble(word: number): number {
  const mixed = Math.imul(word, MULTIPLIER);
  return Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER);
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
