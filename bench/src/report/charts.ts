import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { figureOf, mainFigureOf, type Measured, rateOf, type Results, sectionOf } from '../run/results.js';

/** One row of a chart. */
interface Bar {
  readonly title: string;
  readonly by: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const COLOURS = { domain: ['ours', 'raw', 'peer'], range: ['#c2185b', '#78909c', '#5c6bc0'] };

/** Chart by section, as SVG. */
export async function charts({ measured }: Results): Promise<Map<string, string>> {
  const sections = [...new Set(measured.map(sectionOf))];
  const all = new Map<string, string>();
  for (const section of sections) {
    const rows = measured.filter((one) => sectionOf(one) === section);
    const figure = mainFigureOf(section);
    all.set(
      section,
      await svgOf(
        spec(
          rows.flatMap((one) => barOf(one, figure)),
          titleOf(figure),
        ),
      ),
    );
  }
  return all;
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

const FRAME = {
  width: 520,
  background: 'white',
  config: { font: 'system-ui, sans-serif', axis: { labelLimit: 320 } },
} as const;

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

/** Drawn here: the page needs nothing from anywhere. */
async function svgOf(drawing: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(drawing).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
