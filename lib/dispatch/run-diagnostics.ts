import { diagnostics } from '../core/diagnostics.js';
import type { HandlerTask } from './handler-task.js';

/** Tells the dispatch channel how an attempt has ended. Not to be called while nobody listens. */
export function publishEnd(
  bus: string,
  task: HandlerTask,
  end: { readonly durationMs: number; readonly outcome: 'handled' | 'failed' },
): void {
  diagnostics.dispatch.publish({ ...factsOf(bus, task), ...end });
}

/** Tells the retry channel that an event will be tried again; nothing when nobody listens. */
export function publishRetry(
  bus: string,
  task: HandlerTask,
  retry: { readonly delayMs: number; readonly error: unknown },
): void {
  if (diagnostics.retry.hasSubscribers) diagnostics.retry.publish({ ...factsOf(bus, task), ...retry });
}

function factsOf(bus: string, { handler, envelope, group, attempt }: HandlerTask) {
  return { bus, group, topic: envelope.topic, eventId: envelope.id, handler, attempt };
}
