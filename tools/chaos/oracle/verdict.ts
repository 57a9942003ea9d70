import type { EventName } from '../records.js';
import type { CommittedAhead } from './commits.js';
import type { Duplicate } from './deliveries.js';
import type { Excused, OrderViolation } from './order.js';
import type { Pause } from './progress.js';

/** How often a kind of fault struck, and what it hit. */
export interface FaultCount {
  readonly fault: string;
  /** Handlers that ran, in the instance it was for or in all, each time it struck. */
  readonly runningAt: readonly number[];
  /** Deliveries in flight, over all instances, each time it struck. */
  readonly inFlightAt: readonly number[];
}

/** What became of the events of a run. */
export interface Verdict {
  readonly published: number;
  readonly confirmed: number;
  readonly rejected: number;
  readonly unknown: number;
  /** Messages in the broker's log. */
  readonly stored: number;
  /** Events handled to the end, each counted once. */
  readonly handled: number;
  readonly deadLettered: number;
  /** Confirmed, and not in the broker's log. */
  readonly missing: readonly EventName[];
  /** Rejected, which says that it is certainly not stored, and in the log. */
  readonly denied: readonly EventName[];
  /** Stored after a later one of its key. */
  readonly storedLate: readonly EventName[];
  /** In the log, and neither handled to the end nor dead-lettered. */
  readonly lost: readonly EventName[];
  readonly orderViolations: readonly OrderViolation[];
  readonly excused: Excused;
  readonly duplicates: {
    readonly redelivered: readonly Duplicate[];
    readonly storedTwice: readonly Duplicate[];
    readonly unexplained: readonly Duplicate[];
    /** The most that the guarantees allow for what has happened. */
    readonly bound: number;
  };
  readonly committedAhead: readonly CommittedAhead[];
  /** Looks at the broker's progress that were compared. */
  readonly looks: number;
  /** Sources that had events and made no progress for longer than allowed. */
  readonly stalled: readonly Pause[];
  readonly longestPause: Pause | undefined;
  /** Deliveries that the broker still holds for unsettled at the end. */
  readonly unsettled: number;
  /** Handlers that ran after the application's own modules were destroyed. */
  readonly misuses: readonly string[];
  /** Instances that ended though nobody told them to. */
  readonly crashed: readonly string[];
  readonly faults: readonly FaultCount[];
  readonly eventsPerSecond: number;
  readonly seconds: number;
}

/** What breaks a promise, as sentences; empty when all were kept. */
export function violationsOf(verdict: Verdict): string[] {
  const {
    missing,
    denied,
    storedLate,
    lost,
    orderViolations,
    duplicates,
    committedAhead,
    stalled,
    unsettled,
    misuses,
    crashed,
  } = verdict;
  const count = (list: readonly unknown[], what: string): string[] =>
    list.length === 0 ? [] : [`${list.length} ${what}: ${list.slice(0, 3).map(text).join(', ')}`];
  return [
    ...count(missing, 'events were confirmed and are not in the log'),
    ...count(denied, 'events were rejected and are in the log'),
    ...count(storedLate, 'events were stored after a later one of their key'),
    ...count(lost, 'events were lost'),
    ...count(orderViolations, 'violations of the order of a key'),
    ...count(committedAhead, 'commits were ahead of the work'),
    ...count(duplicates.unexplained, 'events were handled twice without a cause'),
    ...(duplicates.redelivered.length > duplicates.bound
      ? [`${duplicates.redelivered.length} events were handled twice, ${duplicates.bound} are allowed`]
      : []),
    ...count(stalled, 'sources stalled'),
    ...(unsettled > 0 ? [`${unsettled} deliveries were never settled`] : []),
    ...count(misuses, 'handlers ran after their application was destroyed'),
    ...count(crashed, 'instances ended by themselves'),
  ];
}

/** Why a run without violations proves nothing, as sentences; empty when it does. */
export function inconclusiveOf({ faults, handled, looks }: Verdict, requested: readonly string[]): string[] {
  const never = requested.filter(
    (fault) => !faults.some((count) => count.fault === fault && count.runningAt.length > 0),
  );
  const idle = faults.filter(
    ({ fault, runningAt, inFlightAt }) =>
      requested.includes(fault) && runningAt.length > 0 && ![...runningAt, ...inFlightAt].some((some) => some > 0),
  );
  return [
    ...never.map((fault) => `${fault} never struck`),
    ...idle.map(({ fault }) => `${fault} struck with nothing in flight`),
    ...(handled === 0 ? ['nothing was handled'] : []),
    ...(looks === 0 ? ["the broker's progress was never seen"] : []),
  ];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
