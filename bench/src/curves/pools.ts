import type { Configuration } from '../measure/configuration.js';
import { type PointPlan, runCurve } from './point.js';

type On = 'nats' | 'kafka';

const HANDLER_MS = [0, 1, 10, 50];
const WORKERS = [64, 128, 256, 512];
const PER_KEY = [100, 200, 500, 1_000];
/** Events that each worker has to handle, by handler time: above 100 the pool's queue is full at times. */
const ROUNDS: Readonly<Record<number, number>> = { 0: 300, 1: 200, 10: 120, 50: 15 };
const WINDOW_MS = 700;

/** Keyed handlers of a duration, with so many workers. */
export function poolSizes(on: On): Configuration[] {
  return HANDLER_MS.map((handlerMs) => {
    const plans = WORKERS.map((workers): PointPlan => ({
      x: workers,
      load: { events: Math.min(40_000, workers * (ROUNDS[handlerMs] ?? 1)), keys: 2_000 },
      handlerMs,
      pools: { keyed: { workers } },
      subject: { on, topics: ['bench.ID'] },
    }));
    return curve(on, `pool-${on}`, { handlerMs, axis: 'workers', plans });
  });
}

/** How many events of a key may wait: with keys alike none ever has that many, so that it is measured again with a hot one. */
export function queueSizes(on: On): Configuration[] {
  return (['even', 'hot'] as const).flatMap((spread) =>
    HANDLER_MS.map((handlerMs) => {
      const plans = PER_KEY.map((queueSizePerKey): PointPlan => ({
        x: queueSizePerKey,
        load: { events: 20_000, keys: 2_000, spread },
        handlerMs,
        windowMs: WINDOW_MS,
        pools: { keyed: { queueSizePerKey } },
        subject: { on, topics: ['bench.ID'] },
      }));
      const curved = curve(on, `queue-${spread}-${on}`, { handlerMs, axis: 'events of a key that may wait', plans });
      return spread === 'even' ? { ...curved, repetitions: 1 } : curved;
    }),
  );
}

interface Curve {
  readonly handlerMs: number;
  readonly axis: string;
  readonly plans: readonly PointPlan[];
}

function curve(on: On, section: string, { handlerMs, axis, plans }: Curve): Configuration {
  return {
    id: `curves/${section}/${handlerMs}-ms`,
    title: `${handlerMs} ms handler`,
    by: 'ours',
    on,
    axis,
    run: (setting) => runCurve(plans, setting),
  };
}
