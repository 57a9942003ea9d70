import type { Verdict } from '../chaos/oracle/verdict.js';
import { violationsOf } from '../chaos/oracle/verdict.js';
import type { Row } from './results.js';

/** A verdict as a line of the table. */
export function rowOfVerdict(what: string, on: string, verdict: Verdict): Row {
  const { orderViolations, excused, duplicates } = verdict;
  const overlaps = orderViolations.filter(({ kind }) => kind === 'overlap').length;
  const struck = verdict.faults.reduce((sum, { runningAt }) => sum + runningAt.length, 0);
  const longest = ((verdict.longestPause?.lengthMs ?? 0) / 1_000).toFixed(1);
  return {
    what,
    on,
    runs: 1,
    events: verdict.stored,
    lost: verdict.lost.length + verdict.missing.length,
    outOfOrder: orderViolations.length - overlaps,
    overlaps,
    excused: excused.frozen + excused.signalled,
    twice: duplicates.redelivered.length,
    stalls: verdict.stalled.length,
    more: `${struck} faults of ${verdict.faults.length} kinds, ${verdict.looks} looks at the broker's progress, ${verdict.deadLettered} dead letters; longest pause of a source ${longest} s`,
    kind: 'run',
    broken: violationsOf(verdict).filter(
      (text) => !/order of a key|events were lost|are not in the log|sources stalled/.test(text),
    ),
  };
}
