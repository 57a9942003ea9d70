/** Numbers from 0 to below 1; the same seed gives the same ones. */
export type Random = () => number;

/** mulberry32: small, good enough to spread faults, and the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A seed of one's own for each name, so that one stream of numbers does not shift another. */
export function seedOf(seed: number, name: string): number {
  let hash = (2_166_136_261 ^ seed) >>> 0;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 16_777_619) >>> 0;
  return hash;
}

/** From `least` to below `most`. */
export function between(random: Random, least: number, most: number): number {
  return least + random() * (most - least);
}

/** The same elements in another order. */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const left = [...list];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  return drawn;
}
