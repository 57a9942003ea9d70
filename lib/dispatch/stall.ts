import type { StallDiagnostic } from '../core/diagnostics.js';
import type { DeliveryTask } from './delivery-task.js';

/** A handler, a key or a source without progress for longer than is normal, as health shows it. */
export interface StallSnapshot extends Omit<StallDiagnostic, 'bus' | 'phase' | 'forMs'> {
  /** What stalls, for people: a source's name, or handler, topic and key. */
  readonly what: string;
  /** Monotonic milliseconds of its last progress. */
  readonly since: number;
}

/** What holds something up. */
export type Hold = Pick<StallSnapshot, 'heldBy' | 'why'>;

/** `Ledger.onPlaced on orders.placed, key "k"`. */
export function nameOf(task: DeliveryTask): string {
  const key = task.inFlight.envelope?.key;
  const keyed = key === undefined ? '' : `, key ${JSON.stringify(key.slice(0, 100))}`;
  return `${task.handler} on ${task.inFlight.delivery.message.topic}${keyed}`;
}

/** A task that stalls. */
export function stallOf(kind: 'handler' | 'key', task: DeliveryTask, since: number, hold: Hold): StallSnapshot {
  const { delivery, envelope } = task.inFlight;
  return {
    kind,
    what: nameOf(task),
    since,
    group: task.group,
    source: delivery.source.name,
    handler: task.handler,
    topic: delivery.message.topic,
    key: envelope?.key,
    ...hold,
  };
}
