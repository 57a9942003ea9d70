import { diagnostics, type OverlapDiagnostic } from '../core/diagnostics.js';
import type { DeliveryTask } from './delivery-task.js';
import type { Totals } from './totals.js';

const TOTAL_OF = {
  timeout: 'overlapsAfterTimeout',
  deadline: 'overlapsAfterDeadline',
  loss: 'overlapsAfterLoss',
} as const satisfies Record<OverlapDiagnostic['why'], keyof Totals>;

/** Counts the exceptions to the order of a key: handlers that may still run while its next event does. */
export class Overlaps {
  constructor(
    private readonly bus: string,
    private readonly totals: Totals,
  ) {}

  /** To be called once a handler, when it is no longer waited for. */
  note(why: OverlapDiagnostic['why'], task: DeliveryTask): void {
    this.totals[TOTAL_OF[why]] += 1;
    if (!diagnostics.overlap.hasSubscribers) return;
    const { group, handler, attempt, inFlight } = task;
    const { delivery, envelope } = inFlight;
    const report: OverlapDiagnostic = {
      bus: this.bus,
      why,
      group,
      topic: delivery.message.topic,
      key: envelope?.key,
      eventId: envelope?.id,
      handler,
      attempt,
    };
    diagnostics.overlap.publish(report);
  }
}
