import type { Results } from '../run/results.js';

/** One self-contained page. */
export function htmlReport(results: Results): Promise<string> {
  return Promise.resolve(`<pre>${JSON.stringify(results, null, 2)}</pre>`);
}
