import { EventBusError } from '../core/errors.js';
import type { DeadLetter } from './dead-letter.js';
import type { HandlerTask } from './handler-task.js';
import type { InFlight } from './in-flight.js';

/** Why an event nobody handles becomes a dead letter. */
export class NoHandlerError extends EventBusError {
  constructor(group: string, topic: string, type: string) {
    super('EVENT_BUS_NO_HANDLER', `Group "${group}" has no handler for type "${type}" on topic "${topic}".`);
  }
}

/** The dead letter of an event that a handler was run for. */
export function letterOf(task: HandlerTask, error: Error): DeadLetter {
  const { inFlight, envelope, group, handler, attempt } = task;
  return {
    delivery: inFlight.delivery,
    group,
    handler,
    attempts: attempt,
    error,
    eventId: envelope.id,
    eventType: envelope.type,
    key: envelope.key,
    time: Date.now(),
  };
}

/** The dead letter of an event that no handler was run for. */
export function handlerlessLetterOf({ delivery, envelope }: InFlight, error: Error): DeadLetter {
  const { group } = delivery.source;
  const [eventId, eventType, key] = [envelope?.id, envelope?.type, envelope?.key];
  return { delivery, group, handler: 'none', attempts: 0, error, time: Date.now(), eventId, eventType, key };
}
