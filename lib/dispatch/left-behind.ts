import { diagnostics, type LeftBehindDiagnostic, type LeftBehindEvent } from '../core/diagnostics.js';
import type { BusLogger } from '../core/logger.js';
import type { Attempt } from './attempt.js';
import type { DeliveryTask } from './delivery-task.js';

/** Entries of one log line; the others are counted. */
const MOST_NAMED = 20;

/** Entries that the snapshot keeps; the others are counted. */
const MOST_KEPT = 100;

/** What the last deadline that passed, or loss of a source, has left unfinished. */
export interface LeftBehindSnapshot extends Omit<LeftBehindDiagnostic, 'bus'> {
  /** Monotonic milliseconds of the report. */
  readonly at: number;
  /** All of them; `events` has the first hundred, those that ran before those that waited. */
  readonly count: number;
  /** Of all of them, those that were settled beforehand and will not come again. */
  readonly lost: number;
}

/** What was left of a source, or of all. */
export interface LeftTasks {
  /** Handlers that run. */
  readonly running: readonly Attempt[];
  /** Dead letters that are being stored right now. */
  readonly storing: readonly DeliveryTask[];
  /** Dropped. */
  readonly waiting: readonly DeliveryTask[];
}

/** What was left, as it is told. @param now monotonic milliseconds */
export function leftBehind({ running, storing, waiting }: LeftTasks, now: number): LeftBehindEvent[] {
  return [
    ...running.flatMap(({ task, since }) => (task === undefined ? [] : entryOf(task, 'running', { now, since }))),
    ...storing.map((task) => entryOf(task, 'running', { now })),
    ...waiting.map((task) => entryOf(task, 'dropped', { now })),
  ];
}

/** Tells of what is left at a deadline: one line in the log, one diagnostics event, and the snapshot. */
export class LeftBehindReport {
  #last: LeftBehindSnapshot | undefined;

  constructor(
    private readonly bus: string,
    private readonly logger: BusLogger,
    private readonly now: () => number,
  ) {}

  /** Undefined before the first. */
  get last(): LeftBehindSnapshot | undefined {
    return this.#last;
  }

  /** Nothing is told when nothing is left. @param what for the log: `The drain deadline has passed` */
  tell(what: string, report: Omit<LeftBehindDiagnostic, 'bus'>): void {
    const { events } = report;
    if (events.length === 0) return;
    const lost = events.filter(({ isLost }) => isLost).length;
    this.#last = { ...report, events: events.slice(0, MOST_KEPT), at: this.now(), count: events.length, lost };
    if (diagnostics.leftBehind.hasSubscribers) diagnostics.leftBehind.publish({ bus: this.bus, ...report });
    const named = events.slice(0, MOST_NAMED).map(describe).join('; ');
    const more = events.length > MOST_NAMED ? `; and ${events.length - MOST_NAMED} more` : '';
    const loss = lost > 0 ? `, ${lost} of them settled before and lost for good` : '';
    this.logger.warn(`${what}: ${events.length} events are left unfinished${loss}. ${named}${more}.`);
  }
}

function entryOf(
  task: DeliveryTask,
  state: LeftBehindEvent['state'],
  { now, since: runningSince }: { readonly now: number; readonly since?: number },
): LeftBehindEvent {
  const { delivery, envelope, since, isSettled } = task.inFlight;
  return {
    handler: task.handler,
    group: task.group,
    topic: delivery.message.topic,
    attempt: task.attempt,
    state,
    key: envelope?.key,
    eventId: envelope?.id,
    ageMs: Math.round(now - since),
    runningForMs: runningSince === undefined ? undefined : Math.round(now - runningSince),
    isLost: isSettled && state === 'dropped',
  };
}

function describe({ handler, topic, key, ageMs, runningForMs, attempt, state }: LeftBehindEvent): string {
  const keyed = key === undefined ? '' : ` key ${JSON.stringify(key.slice(0, 100))}`;
  const running = runningForMs === undefined ? '' : `, running for ${runningForMs} ms`;
  return `${handler} ${state} on ${topic}${keyed}, attempt ${attempt}, ${ageMs} ms old${running}`;
}
