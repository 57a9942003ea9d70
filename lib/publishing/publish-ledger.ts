import type { MonotonicClock } from '../core/clock.js';
import { diagnostics, type PublishDiagnostic } from '../core/diagnostics.js';
import type { Position } from '../transport/message.js';
import type { PendingPublish } from './pending-publish.js';
import type { ConfirmedPublish, FailedPublish, PublishResult } from './publish-result.js';
import type { ResultRelay } from './result-relay.js';

/** How much one more confirm moves the average latency. */
const LATENCY_WEIGHT = 0.02;

/** How publishes have ended since the bus began. Dead letters are not among them. */
export interface PublishTotals {
  readonly published: number;
  readonly rejected: number;
  readonly unknown: number;
}

/** What becomes of a publish that has ended: counted, told to its caller, to the handlers of results and to diagnostics. */
export class PublishLedger {
  #published = 0;
  #rejected = 0;
  #unknown = 0;
  #latencyMs: number | undefined;

  constructor(
    private readonly bus: string,
    private readonly relay: ResultRelay,
    private readonly now: MonotonicClock,
  ) {}

  get totals(): PublishTotals {
    return { published: this.#published, rejected: this.#rejected, unknown: this.#unknown };
  }

  /** Moving average from call to confirm, in milliseconds; undefined before the first. */
  get recentLatencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Results beyond their buffer. */
  get overflow(): number {
    return this.relay.overflow;
  }

  /** @param listener called when results have been handled */
  onRoom(listener: () => void): void {
    this.relay.onRoom(listener);
  }

  confirmed(publish: PendingPublish, position: Position, duplicate: boolean): void {
    const latency = this.now() - publish.startedAt;
    this.#latencyMs = this.#latencyMs === undefined ? latency : mix(this.#latencyMs, latency);
    if (!publish.isDead) this.#published += 1;
    if (this.#isHeard(publish)) this.#tell(publish, confirmedResult(publish, position, duplicate), latency);
  }

  failed(publish: PendingPublish, outcome: 'rejected' | 'unknown', error: Error): void {
    if (!publish.isDead && outcome === 'rejected') this.#rejected += 1;
    if (!publish.isDead && outcome === 'unknown') this.#unknown += 1;
    if (this.#isHeard(publish)) {
      this.#tell(publish, failedResult(publish, outcome, error), this.now() - publish.startedAt);
    }
  }

  #isHeard(publish: PendingPublish): boolean {
    return publish.onEnd !== undefined || this.relay.isActive || diagnostics.publish.hasSubscribers;
  }

  #tell(publish: PendingPublish, result: PublishResult, durationMs: number): void {
    if (this.relay.isActive && !publish.isDead) this.relay.add(result);
    if (diagnostics.publish.hasSubscribers) {
      const { topic, id: eventId, outcome } = result;
      diagnostics.publish.publish({ bus: this.bus, topic, eventId, outcome, durationMs } satisfies PublishDiagnostic);
    }
    publish.onEnd?.(result);
  }
}

function mix(average: number, latest: number): number {
  return average + (latest - average) * LATENCY_WEIGHT;
}

function confirmedResult(publish: PendingPublish, position: Position, duplicate: boolean): ConfirmedPublish {
  const { id, topic, key, type } = publish;
  return { outcome: 'confirmed', id, topic, key, type, time: Date.now(), position, duplicate };
}

function failedResult(publish: PendingPublish, outcome: 'rejected' | 'unknown', error: Error): FailedPublish {
  const { id, topic, key, type } = publish;
  return { outcome, id, topic, key, type, time: Date.now(), error };
}
