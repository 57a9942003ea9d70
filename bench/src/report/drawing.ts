import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** What all charts have in common. */
export const FRAME = {
  width: 520,
  background: 'white',
  config: { font: 'system-ui, sans-serif', axis: { labelLimit: 320 }, legend: { labelLimit: 320 } },
} as const;

/** Drawn here: the page needs nothing from anywhere. */
export async function svgOf(drawing: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(drawing).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
