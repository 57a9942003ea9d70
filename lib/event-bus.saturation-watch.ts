import { monotonicNow } from './core/clock.js';
import { diagnostics, type SaturationDiagnostic } from './core/diagnostics.js';
import type { WorkerPool } from './pools/worker-pool.js';

/** Reports a pool that has been saturated for a while, once each time, through diagnostics. A busy pool is no fault: nothing is logged. */
export class SaturationWatch {
  /** Pool's name → the beginning of the saturation that was reported last. */
  readonly #reported = new Map<string, number>();

  constructor(
    private readonly bus: string,
    private readonly pools: Readonly<Record<string, WorkerPool>>,
    private readonly afterMs: number,
  ) {}

  look(): void {
    for (const [pool, { state }] of Object.entries(this.pools)) {
      const since = state.saturatedSince;
      if (since === undefined || this.#reported.get(pool) === since) continue;
      const sinceMs = monotonicNow() - since;
      if (sinceMs < this.afterMs) continue;
      this.#reported.set(pool, since);
      const report: SaturationDiagnostic = { bus: this.bus, pool, waiting: state.waiting, sinceMs };
      if (diagnostics.saturated.hasSubscribers) diagnostics.saturated.publish(report);
    }
  }
}
