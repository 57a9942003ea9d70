import type { TopLevelSpec } from 'vega-lite';
import { figureOf, isLatency, mainFigureOf, type Measured, rateOf, type Results, sectionOf } from '../run/results.js';
import { FRAME, svgOf } from './drawing.js';
import { lineCharts, memoryChart, percentileChart } from './lines.js';

/** One row of a chart. */
interface Bar {
  readonly title: string;
  readonly by: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const COLOURS = {
  domain: ['ours', 'raw', 'peer', 'reference'],
  range: ['#c2185b', '#78909c', '#5c6bc0', '#8d6e63'],
};

/** The charts of each section, as SVG. */
export async function charts({ measured }: Results): Promise<Map<string, string>> {
  const sections = [...new Set(measured.map(sectionOf))];
  const all = new Map<string, string>();
  for (const section of sections)
    all.set(
      section,
      await drawingsOf(
        section,
        measured.filter((one) => sectionOf(one) === section),
      ),
    );
  return all;
}

/** Curves as lines, percentiles as lines, the rest as bars. */
async function drawingsOf(section: string, rows: readonly Measured[]): Promise<string> {
  const figures = curveFiguresOf(section);
  const curves = await lineCharts(rows, figures);
  const others = rows.filter(({ repetitions }) => repetitions[0]?.points === undefined);
  const latency = others.some(isLatency) ? await percentileChart(others) : undefined;
  const memory = await memoryChart(rows);
  const figure = mainFigureOf(section);
  const bars = others.flatMap((one) => barOf(one, figure));
  const bar = bars.length === 0 || memory !== undefined ? undefined : await svgOf(spec(bars, titleOf(figure)));
  return [...curves, bar, latency, memory].filter((svg) => svg !== undefined).join('\n');
}

function curveFiguresOf(section: string): string[] {
  if (section.startsWith('sweep/')) return ['overheadMs'];
  return section.includes('growth') ? ['rate', 'clientMicros', 'publishMicros'] : ['rate'];
}

/** CPU of client and broker, an event, of one suite. */
export function cpuChart(measured: readonly Measured[]): Promise<string> {
  const values = measured.flatMap((one) =>
    (['clientMicros', 'brokerMicros'] as const).flatMap((name) => {
      const value = figureOf(one, name)?.median;
      return value === undefined ? [] : [{ title: one.id, who: name === 'clientMicros' ? 'client' : 'broker', value }];
    }),
  );
  return svgOf({
    ...FRAME,
    data: { values },
    mark: 'bar',
    encoding: {
      y: { field: 'title', type: 'nominal', sort: null, title: null },
      x: { field: 'value', type: 'quantitative', title: 'CPU µs an event (symlog)', scale: { type: 'symlog' } },
      color: { field: 'who', type: 'nominal', title: null },
      yOffset: { field: 'who' },
    },
  });
}

const TITLES: Readonly<Record<string, string>> = {
  rate: 'events/s (median, min to max)',
  p50: 'publish to handler, p50 ms',
  joinMs: 'a second member has its share after, ms',
  clientMicros: 'CPU µs an event',
};

function titleOf(figure: string): string {
  return TITLES[figure] ?? figure;
}

function barOf(one: Measured, figure: string): Bar[] {
  const spread = figure === 'rate' ? rateOf(one) : figureOf(one, figure);
  if (spread === undefined) return [];
  return [{ title: one.title, by: one.by, value: spread.median, low: spread.min, high: spread.max }];
}

function spec(values: readonly Bar[], title: string): TopLevelSpec {
  const y = { field: 'title', type: 'nominal', sort: null, title: null } as const;
  return {
    ...FRAME,
    data: { values: [...values] },
    layer: [
      {
        mark: 'bar',
        encoding: {
          y,
          x: { field: 'value', type: 'quantitative', title },
          color: { field: 'by', type: 'nominal', title: null, scale: COLOURS },
        },
      },
      { mark: 'rule', encoding: { y, x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } } },
    ],
  };
}
