import type { Kind, Load, TransportName } from './workload.js';

/** What one process measured. Latencies from just before the publish call to the handler's entry. */
export interface RunResult {
  readonly sent: number;
  readonly confirmed: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly orderViolations: number;
  readonly throughputPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number; readonly mean: number };
  readonly peakMemoryBytes: number;
  readonly memoryDeltaBytes: number;
  readonly handlesLeft: number;
  readonly peakHandles: number;
  readonly durationMs: number;
  /** What the broker itself says, as faults: empty when messages stored = sent and nothing is left to settle. */
  readonly brokerFaults: readonly string[];
}

/** One row: the run with awaited publishes, and the throughput with `enqueue` beside it. */
export interface ScenarioResult extends RunResult {
  readonly transport: TransportName;
  readonly kind: Kind;
  readonly load: Load;
  readonly successPercent: number;
  readonly enqueueThroughputPerSecond: number;
  /** With `--reps`: lowest and highest throughput of the repetitions; the row itself is the median's. */
  readonly spread?: { readonly min: number; readonly max: number; readonly reps: number };
}

/** Everything that makes a run fail, as sentences. */
export function faultsOf(run: RunResult): string[] {
  const faults = [...run.brokerFaults];
  if (run.confirmed !== run.sent)
    faults.push(`${run.sent - run.confirmed} of ${run.sent} publishes were not confirmed`);
  if (run.lost > 0) faults.push(`${run.lost} events lost`);
  if (run.orderViolations > 0) faults.push(`${run.orderViolations} order violations`);
  if (run.handlesLeft !== 0) faults.push(`${run.handlesLeft} handles left`);
  return faults;
}
