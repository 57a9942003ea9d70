import { diagnostics } from '../core/diagnostics.js';
import type { BusLogger } from '../core/logger.js';
import type { HandlerTask } from './handler-task.js';

/** Tells the dispatch channel how an attempt has ended. Not to be called while nobody listens. */
export function publishEnd(
  bus: string,
  task: HandlerTask,
  end: { readonly durationMs: number; readonly outcome: 'handled' | 'failed' },
): void {
  diagnostics.dispatch.publish({ ...factsOf(bus, task), ...end });
}

/** Tells the log and the retry channel that an event will be tried again. The log: after the 1st, 10th, 100th … failure, so that it stays readable. */
export function announceRetry(
  bus: string,
  logger: BusLogger,
  task: HandlerTask,
  retry: { readonly delayMs: number; readonly error: unknown },
): void {
  if (Number.isInteger(Math.log10(task.attempt)))
    logger.warn('A handler failed; the event is tried again.', fieldsOf(task, retry));
  if (diagnostics.retry.hasSubscribers) diagnostics.retry.publish({ ...factsOf(bus, task), ...retry });
}

function fieldsOf(task: HandlerTask, { delayMs, error }: { readonly delayMs: number; readonly error: unknown }) {
  const { topic, type: eventType, id: eventId, key } = task.envelope;
  const { handler, group, attempt } = task;
  const wait = { delayMs: Math.round(delayMs) };
  return { topic, eventType, eventId, ...(key === undefined ? {} : { key }), group, handler, attempt, ...wait, error };
}

function factsOf(bus: string, { handler, envelope, group, attempt }: HandlerTask) {
  return { bus, group, topic: envelope.topic, eventId: envelope.id, handler, attempt };
}
