import type { Configuration } from '../measure/configuration.js';
import { type PointPlan, runCurve } from './point.js';

type On = 'nats' | 'kafka';

/** What grows, at 1, 10 and 100 times. */
type Dimension = (factor: number, on: On) => Partial<Omit<PointPlan, 'x'>>;

const FACTORS = [1, 10, 100];
const EVENTS = 30_000;

const DIMENSIONS: Readonly<Record<string, Dimension>> = {
  partitions: (factor, on) => ({ subject: { on, topics: ['bench.ID'], partitions: factor } }),
  keys: (factor) => ({ load: { events: EVENTS, keys: 300 * factor } }),
  topics: (factor, on) => ({
    subject: {
      on,
      topics: Array.from({ length: factor }, (_, n) => `bench.ID.t${n}`),
      ...(on === 'kafka' ? { partitions: 1 } : {}),
    },
  }),
  handlers: (factor) => ({ handlers: factor }),
  payload: (factor) => ({ load: { events: EVENTS / (factor === 100 ? 6 : 1), keys: 1_000, bytes: 100 * factor } }),
  'in flight': (factor) => ({
    load: { events: 300 * factor, keys: 100 * factor },
    handlerMs: 100,
    pools: { keyed: { workers: 100 * factor } },
  }),
};

const NOTES: Readonly<Record<string, string>> = {
  payload: 'from 100 B to 10 KB: what a byte costs grows with the bytes',
  'in flight':
    'handlers that wait 100 ms, 100 to 10,000 at once: with few at once, what runs anyway is shared by few events',
};

/** One line for each thing that grows: publishing, then handling, what was published. */
export function growth(on: On): Configuration[] {
  return Object.entries(DIMENSIONS).map(([what, dimension]) => {
    const plans = FACTORS.map((factor): PointPlan => ({
      x: factor,
      load: { events: EVENTS, keys: 1_000 },
      handlerMs: 0,
      subject: { on, topics: ['bench.ID'] },
      ...dimension(factor, on),
    }));
    const note = NOTES[what];
    return {
      id: `curves/growth-${on}/${what.replace(' ', '-')}`,
      title: what,
      by: 'ours',
      on,
      axis: 'times',
      ...(note === undefined ? {} : { note }),
      run: (setting) => runCurve(plans, setting),
    };
  });
}
