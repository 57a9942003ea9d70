import type { Run, TestBus } from './harness.js';

/** Pairs of handlers of one key that ran at the same time. */
export function overlaps(buses: readonly TestBus[], keyOf: (run: Run) => string): string[] {
  const runs = buses.flatMap(({ runs: list }) => list).toSorted((a, b) => a.startedAt - b.startedAt);
  const last = new Map<string, Run>();
  const found: string[] = [];
  for (const run of runs) {
    const before = last.get(keyOf(run));
    if (before && (before.endedAt ?? Infinity) > run.startedAt) found.push(`${before.body} and ${run.body}`);
    if (!before || (run.endedAt ?? Infinity) > (before.endedAt ?? Infinity)) last.set(keyOf(run), run);
  }
  return found;
}

/** Events of a key whose first completion came before that of an earlier one. */
export function inversions(buses: readonly TestBus[]): string[] {
  const firstEnd = new Map<string, Run>();
  for (const run of buses.flatMap(({ handled }) => handled).toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))) {
    if (!firstEnd.has(run.body ?? '')) firstEnd.set(run.body ?? '', run);
  }
  const highest = new Map<string, number>();
  const found: string[] = [];
  for (const run of firstEnd.values()) {
    const number = Number(run.body?.split(' ')[1]);
    if (number < (highest.get(keyOfBody(run)) ?? -1)) found.push(run.body ?? '');
    else highest.set(keyOfBody(run), number);
  }
  return found;
}

/** Bodies are `<key> <number>`. */
export const keyOfBody = ({ body }: Run): string => body?.split(' ')[0] ?? '';
