import type { Kafka } from 'kafkajs';
import { type ClientConnection, onEachConnection } from './connections.js';

/**
 * Stops the timer that each connection of kafkajs 2.2.4 sets again every millisecond once it has had an answer (2 % of a
 * core, for nothing). Only instances made through this client are changed, never kafkajs itself.
 * @returns false when this kafkajs is built differently; it then works as it comes
 */
export function guardIdle(kafka: Kafka): boolean {
  return onEachConnection(kafka, ({ requestQueue }) => guardQueue(requestQueue));
}

function guardQueue(queue: ClientConnection['requestQueue']): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}
