import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** Draws docs/guarantees-times.svg from docs/guarantees-results.json: every value a mark, by what had happened before. */
interface Figure {
  readonly what: string;
  readonly on: string;
  readonly after?: string;
  readonly unit: string;
  readonly values: readonly number[];
}

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const results = JSON.parse(readFileSync(join(DOCS, 'guarantees-results.json'), 'utf8')) as Readonly<
  Record<string, { readonly figures?: readonly Figure[] }>
>;
const values = Object.values(results)
  .flatMap(({ figures = [] }) => figures)
  .filter(({ unit }) => unit === 'ms')
  .flatMap(({ what, on, after, values: each }) =>
    each.map((ms) => ({ what, on, row: after === undefined ? on : `${after}, ${on}`, ms })),
  );

const drawing: TopLevelSpec = {
  background: 'white',
  config: { font: 'system-ui, sans-serif', axis: { labelLimit: 320 } },
  data: { values },
  facet: {
    row: {
      field: 'what',
      type: 'nominal',
      sort: null,
      title: null,
      header: { labelAngle: 0, labelOrient: 'top', labelAnchor: 'start' },
    },
  },
  resolve: { scale: { y: 'independent' } },
  spec: {
    width: 520,
    height: { step: 14 },
    mark: { type: 'tick', thickness: 1.5 },
    encoding: {
      y: { field: 'row', type: 'nominal', sort: null, title: null },
      x: {
        field: 'ms',
        type: 'quantitative',
        title: 'milliseconds (symlog)',
        scale: { type: 'symlog', constant: 10 },
        axis: { values: [0, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] },
      },
      color: { field: 'on', type: 'nominal', title: null },
    },
  },
};

const view = new vega.View(vega.parse(compile(drawing).spec), { renderer: 'none' });
writeFileSync(join(DOCS, 'guarantees-times.svg'), await view.toSVG());
view.finalize();
