import type { BusLogger } from '../../../core/logger.js';
import type { Subscription } from '../../../transport/transport.js';

/** `earliest`, `latest`, or the moment as ISO 8601. */
export function startFromText(startFrom: Subscription['startFrom']): string {
  return startFrom instanceof Date ? startFrom.toISOString() : startFrom;
}

/** Says once that a group began elsewhere than its `startFrom` says now, which counts only when a group is first created. */
export class StartFromCheck {
  #isSaid = false;

  constructor(
    private readonly subscription: Subscription,
    private readonly logger: BusLogger,
  ) {}

  /** @param began as noted in a commit; undefined where nobody has noted it */
  compare(began: string | undefined): void {
    const { group, startFrom } = this.subscription;
    if (began === undefined || began === startFromText(startFrom) || this.#isSaid) return;
    this.#isSaid = true;
    this.logger.warn(
      `Kafka: group "${group}" exists since before and went on where it was; its startFrom counts only when it is first created`,
      { group, startFrom, began },
    );
  }
}
