import type { TopLevelSpec } from 'vega-lite';
import { type Measured, pointsOf } from '../run/results.js';
import { FRAME, svgOf } from './drawing.js';

const TITLES: Readonly<Record<string, string>> = {
  rate: 'events/s (median, min to max)',
  clientMicros: 'client CPU µs an event',
  publishMicros: 'client CPU µs a publish',
  overheadMs: 'overhead, ms (log; median, min to max)',
};

const PERCENTILES = [
  ['p50', '50'],
  ['p90', '90'],
  ['p99', '99'],
  ['p999', '99.9'],
] as const;

/** The curves of a section, one line a configuration, for each of these figures that it has. */
export function lineCharts(rows: readonly Measured[], figures: readonly string[]): Promise<string[]> {
  const drawn = figures.filter((name) => rows.some((one) => pointsOf(one, name).length > 0));
  return Promise.all(drawn.map((name) => svgOf(curves(rows, name))));
}

function curves(rows: readonly Measured[], figure: string): TopLevelSpec {
  const values = rows.flatMap((one) =>
    pointsOf(one, figure).map(({ x, spread: { median, min, max } }) => ({
      who: one.line ?? one.title,
      x,
      median,
      min,
      max,
    })),
  );
  const type = 'quantitative' as const;
  const color = { field: 'who', type: 'nominal', title: null, sort: null } as const;
  const xs = [...new Set(values.map(({ x }) => x))];
  const x = {
    field: 'x',
    type,
    title: rows[0]?.axis ?? '',
    scale: { type: 'log', base: 2 },
    axis: { values: xs },
  } as const;
  const title = TITLES[figure] ?? figure;
  const scale = { type: figure === 'overheadMs' ? 'log' : 'linear' } as const;
  return {
    ...FRAME,
    data: { values },
    layer: [
      { mark: { type: 'line', point: true }, encoding: { x, y: { field: 'median', type, title, scale }, color } },
      { mark: { type: 'rule' }, encoding: { x, y: { field: 'min', type, scale }, y2: { field: 'max' }, color } },
    ],
  };
}

/** Latency by percentile, one line a configuration; undefined where nobody has any. */
export async function percentileChart(rows: readonly Measured[]): Promise<string | undefined> {
  const values = rows.flatMap((one) =>
    PERCENTILES.flatMap(([name, percentile]) => percentileOf(one, name, percentile)),
  );
  if (values.length === 0) return undefined;
  const type = 'quantitative' as const;
  const color = { field: 'who', type: 'nominal', title: null, sort: null } as const;
  const x = { field: 'percentile', type: 'ordinal', sort: null, title: 'percentile', axis: { labelAngle: 0 } } as const;
  const scale = { type: 'log' } as const;
  return svgOf({
    ...FRAME,
    data: { values },
    layer: [
      {
        mark: { type: 'line', point: true },
        encoding: { x, y: { field: 'median', type, title: 'publish to handler, ms (log)', scale }, color },
      },
      { mark: { type: 'rule' }, encoding: { x, y: { field: 'min', type, scale }, y2: { field: 'max' }, color } },
    ],
  });
}

function percentileOf(one: Measured, name: 'p50' | 'p90' | 'p99' | 'p999', percentile: string): object[] {
  const all = one.repetitions.flatMap(({ latencyMs }) => latencyMs?.[name] ?? []).toSorted((a, b) => a - b);
  const [min] = all;
  if (min === undefined) return [];
  const median = all[Math.floor((all.length - 1) / 2)];
  return [{ who: one.title, percentile, median, min, max: all.at(-1) }];
}

/** Memory over time, of the last repetition of each configuration. */
export async function memoryChart(rows: readonly Measured[]): Promise<string | undefined> {
  const values = rows.flatMap((one) =>
    (one.repetitions.at(-1)?.samples ?? []).flatMap(({ seconds, rssMiB, heapMiB }) => [
      { what: `${one.title}: rss`, seconds, mib: rssMiB },
      { what: `${one.title}: heap used`, seconds, mib: heapMiB },
    ]),
  );
  if (values.length === 0) return undefined;
  return svgOf({
    ...FRAME,
    data: { values },
    mark: 'line',
    encoding: {
      x: { field: 'seconds', type: 'quantitative', title: 'seconds' },
      y: { field: 'mib', type: 'quantitative', title: 'MiB' },
      color: { field: 'what', type: 'nominal', title: null, sort: null },
    },
  });
}
