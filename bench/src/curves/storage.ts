import type { Configuration } from '../measure/configuration.js';
import { type PointPlan, runCurve } from './point.js';

const EVENTS = [10_000, 30_000, 100_000];

/** A stream in memory beside one in files: published, then handled. */
export const STORAGE: readonly Configuration[] = (['file', 'memory'] as const).map((storage) => {
  const plans = EVENTS.map((events): PointPlan => ({
    x: events,
    load: { events, keys: 1_000 },
    handlerMs: 0,
    subject: { on: 'nats', topics: ['bench.ID'], storage },
  }));
  return {
    id: `curves/storage-nats/${storage}`,
    title: storage,
    by: 'ours',
    on: 'nats',
    axis: 'messages',
    run: (setting) => runCurve(plans, setting),
  };
});
