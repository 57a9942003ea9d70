/** Whether every subject that `narrow` matches is matched by `wide`. */
export function covers(wide: string, narrow: string): boolean {
  return intersect(wide, narrow) === narrow;
}

/** The pattern of what both match, or undefined when no subject matches both. */
export function intersect(one: string, other: string): string | undefined {
  const a = one.split('.');
  const b = other.split('.');
  const common: string[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === '>') return i < b.length ? [...common, ...b.slice(i)].join('.') : undefined;
    if (b[i] === '>') return i < a.length ? [...common, ...a.slice(i)].join('.') : undefined;
    const token = commonToken(a[i], b[i]);
    if (token === undefined) return undefined;
    common.push(token);
  }
  return common.join('.');
}

function commonToken(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return undefined;
  if (one === '*') return other;
  return other === '*' || one === other ? one : undefined;
}

/** The narrowest single pattern that covers both. */
export function hull(one: string, other: string): string {
  const a = one.split('.');
  const b = other.split('.');
  const wide: string[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x === undefined || y === undefined) return [...openEnd(wide), '>'].join('.');
    if (x === '>' || y === '>') return [...wide, '>'].join('.');
    wide.push(x === y ? x : '*');
  }
  return wide.join('.');
}

/** `>` stands for one token or more: where one pattern has ended, it must begin a token earlier. */
function openEnd(tokens: readonly string[]): readonly string[] {
  return tokens.slice(0, -1);
}

/**
 * Patterns for one consumer: none within another, none overlapping another (the server refuses both). Patterns that overlap are
 * widened to one that covers them; what they bring beyond is to be ignored by the caller.
 */
export function disjoint(patterns: readonly string[]): string[] {
  const kept: string[] = [];
  for (const pattern of patterns) {
    let candidate = pattern;
    for (let i = 0; i < kept.length; i++) {
      const present = kept[i] ?? '';
      if (intersect(present, candidate) === undefined) continue;
      candidate = covers(present, candidate)
        ? present
        : covers(candidate, present)
          ? candidate
          : hull(present, candidate);
      kept.splice(i, 1);
      i = -1;
    }
    kept.push(candidate);
  }
  return kept;
}
