import type { BusLogger } from '../core/logger.js';
import type { DeliveryTask } from './delivery-task.js';

/** Entries of one log line; the others are counted. */
const MOST_NAMED = 20;

/** One event that a deadline has left, or cut off, unfinished. */
export interface LeftBehind {
  /** `Class.method`, or `none`. */
  readonly handler: string;
  readonly group: string;
  readonly topic: string;
  readonly key: string | undefined;
  readonly eventId: string | undefined;
  /** Attempts begun. */
  readonly attempt: number;
  /** Since it was delivered, in milliseconds. */
  readonly ageMs: number;
  /** Whether it still runs, or was dropped unrun or between two attempts. */
  readonly state: 'running' | 'dropped';
  /** At-most-once and dropped: it was settled already and will not come again. */
  readonly isLost: boolean;
}

/** What was left of tasks that run, and of those dropped. */
export function leftBehind(
  tasks: { readonly running: readonly DeliveryTask[]; readonly waiting: readonly DeliveryTask[] },
  now: number,
): LeftBehind[] {
  return [
    ...tasks.running.map((task) => entryOf(task, 'running', now)),
    ...tasks.waiting.map((task) => entryOf(task, 'dropped', now)),
  ];
}

/** One line for all of them; none when there is nothing. */
export function logLeftBehind(logger: BusLogger, what: string, left: readonly LeftBehind[]): void {
  if (left.length === 0) return;
  const lost = left.filter(({ isLost }) => isLost).length;
  const named = left.slice(0, MOST_NAMED).map(describe).join('; ');
  const more = left.length > MOST_NAMED ? `; and ${left.length - MOST_NAMED} more` : '';
  const loss = lost > 0 ? `, ${lost} of them settled before and lost for good` : '';
  logger.warn(`${what}: ${left.length} events are left unfinished${loss}. ${named}${more}.`);
}

function entryOf(task: DeliveryTask, state: LeftBehind['state'], now: number): LeftBehind {
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
    isLost: isSettled && state === 'dropped',
  };
}

function describe({ handler, topic, key, ageMs, attempt, state }: LeftBehind): string {
  const keyed = key === undefined ? '' : ` key ${JSON.stringify(key.slice(0, 100))}`;
  return `${handler} ${state} on ${topic}${keyed}, attempt ${attempt}, ${ageMs} ms old`;
}
