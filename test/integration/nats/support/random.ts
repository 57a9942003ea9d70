/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Smallest, middle and largest, rounded to a tenth; nothing for nothing. */
export function spread(values: readonly (number | undefined)[]): Record<'n' | 'min' | 'p50' | 'p90' | 'max', number> {
  const sorted = values.filter((one): one is number => Number.isFinite(one)).toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN) * 10) / 10;
  return { n: sorted.length, min: at(0), p50: at(0.5), p90: at(0.9), max: at(1) };
}
