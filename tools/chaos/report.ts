import Table from 'cli-table3';
import { type Course, isFlat } from './flatness.js';
import type { FaultCount, Verdict } from './oracle/verdict.js';

/** The verdict as tables. */
export function reportOf(verdict: Verdict): string {
  return [eventTable(verdict), faultTable(verdict.faults)].join('\n');
}

/** What surviving instances held, early and late. */
export function courseReport(courses: readonly Course[]): string {
  const table = tableOf(['instance', 'measure', 'samples', 'early', 'late', 'at most', '']);
  for (const course of courses) {
    const { instance, measure, samples, early, late, most } = course;
    table.push([instance, measure, samples, early, late, Math.round(most), isFlat(course) ? 'flat' : 'GROWS']);
  }
  return table.toString();
}

function eventTable(verdict: Verdict): string {
  const { duplicates, excused, longestPause } = verdict;
  const table = tableOf(['what', 'count']);
  table.push(
    ['published', verdict.published],
    ['confirmed / rejected / unknown', `${verdict.confirmed} / ${verdict.rejected} / ${verdict.unknown}`],
    ['in the log', verdict.stored],
    ['handled', verdict.handled],
    ['dead letters', verdict.deadLettered],
    ['confirmed and not in the log', verdict.missing.length],
    ['rejected and in the log', verdict.denied.length],
    ['stored out of order', verdict.storedLate.length],
    ['lost', verdict.lost.length],
    ['order violations', verdict.orderViolations.length],
    ['  excused: stopped or blocked / signal raised', `${excused.frozen} / ${excused.signalled}`],
    ['handled twice (of so many allowed)', `${duplicates.redelivered.length} (${duplicates.bound})`],
    ['  without a cause', duplicates.unexplained.length],
    ['  because stored twice', duplicates.storedTwice.length],
    [`commits ahead of work (of ${verdict.looks} looks)`, verdict.committedAhead.length],
    ['stalled sources', verdict.stalled.length],
    ['never settled', verdict.unsettled],
    ['handlers after destroy', verdict.misuses.length],
    ['instances that ended by themselves', verdict.crashed.length],
    ['longest pause of a source', longestPause === undefined ? '-' : `${(longestPause.lengthMs / 1_000).toFixed(1)} s`],
    ['events per second', verdict.eventsPerSecond],
    ['seconds', verdict.seconds.toFixed(0)],
  );
  return table.toString();
}

function faultTable(faults: readonly FaultCount[]): string {
  const table = tableOf(['fault', 'struck', 'handlers running', 'deliveries in flight, each time']);
  for (const { fault, runningAt, inFlightAt } of faults) {
    table.push([fault, runningAt.length, spread(runningAt), inFlightAt.join(' ')]);
  }
  return table.toString();
}

function spread(counts: readonly number[]): string {
  const sorted = counts.toSorted((one, other) => one - other);
  return `${sorted[0] ?? 0} / ${sorted[sorted.length >> 1] ?? 0} / ${sorted.at(-1) ?? 0}`;
}

function tableOf(head: string[]): InstanceType<typeof Table> {
  return new Table({
    head,
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, at) => (at === 0 ? 'left' : 'right')),
  });
}
