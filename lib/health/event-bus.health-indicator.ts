import type { HealthIndicatorResult } from '@nestjs/terminus';
import type { BusSnapshot } from '../event-bus.snapshot.js';
import { type Assessment, assessHealth, assessLiveness, assessReadiness } from './assessment.js';
import type { ResolvedHealthOptions } from './health.options.js';
import { reportOf } from './report.js';

/** Where a snapshot comes from: a bus's lifecycle. */
export interface SnapshotSource {
  snapshot(): BusSnapshot;
}

/**
 * A bus's health for terminus: `health.check([() => indicator.isHealthy('eventBus')])`. Reads live state only and opens no
 * connection; never throws; shows no secrets.
 */
export class EventBusHealthIndicator {
  constructor(
    private readonly bus: SnapshotSource,
    private readonly options: ResolvedHealthOptions,
  ) {}

  /** For people and alarms, with everything the bus knows of itself. @param key the name in the report */
  isHealthy<const Key extends string>(key: Key): HealthIndicatorResult<Key> {
    const snapshot = this.bus.snapshot();
    return resultOf(key, assessHealth(snapshot, this.options), reportOf(snapshot));
  }

  /** For a liveness probe: up until the process ends, also while it shuts down; down when the bus cannot start and has given up trying. */
  isLive<const Key extends string>(key: Key): HealthIndicatorResult<Key> {
    const snapshot = this.bus.snapshot();
    return resultOf(key, assessLiveness(snapshot), { state: snapshot.state });
  }

  /** For a readiness probe: down until the bus runs, while the broker is away (by option `degraded`), and from the begin of the shutdown on. */
  isReady<const Key extends string>(key: Key): HealthIndicatorResult<Key> {
    const snapshot = this.bus.snapshot();
    const { state, consuming, transport } = snapshot;
    return resultOf(key, assessReadiness(snapshot, this.options), {
      state,
      consuming,
      transport: transport.status.state,
    });
  }
}

function resultOf<Key extends string>(
  key: Key,
  { status, reasons }: Assessment,
  data: Record<string, unknown>,
): HealthIndicatorResult<Key> {
  const shown = reasons.length > 0 ? { reasons } : {};
  return Object.assign(Object.create(null), { [key]: { status, ...shown, ...data } });
}
