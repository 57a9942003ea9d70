import { readFileSync } from 'node:fs';

export interface Verdict {
  readonly handled: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly orderViolations: number;
  readonly overlaps: number;
}

/**
 * Judges a file of `S|E <instance> <key> <number>` and `X <instance>` lines: each is one synchronous append, so that the file's order is
 * the order of events. Numbers of a key begin at 1.
 */
export function judge(file: string, published: ReadonlyMap<string, number>): Verdict {
  const ended = new Map<string, { seen: Set<number>; highest: number }>();
  const running = new Map<string, Map<number, string>>();
  const verdict = { handled: 0, lost: 0, duplicates: 0, orderViolations: 0, overlaps: 0 };

  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [what, instance = '', key = '', number = ''] = line.split(' ');
    const open = running.get(key) ?? new Map<number, string>();
    running.set(key, open);
    if (what === 'X') for (const one of running.values()) for (const [n, by] of one) if (by === instance) one.delete(n);
    if (what === 'S') {
      if (open.size > 0) verdict.overlaps += 1;
      open.set(Number(number), instance);
    }
    if (what !== 'E') continue;
    open.delete(Number(number));
    const { seen, highest } = ended.get(key) ?? { seen: new Set<number>(), highest: 0 };
    verdict.handled += 1;
    if (seen.has(Number(number))) verdict.duplicates += 1;
    else if (Number(number) < highest) verdict.orderViolations += 1;
    seen.add(Number(number));
    ended.set(key, { seen, highest: Math.max(highest, Number(number)) });
  }
  for (const [key, most] of published)
    for (let n = 1; n <= most; n++) if (ended.get(key)?.seen.has(n) !== true) verdict.lost += 1;
  return verdict;
}
