import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { charts } from './report/charts.js';
import type { Results } from './run/results.js';

/**
 * Draws the README's plots from a result: `npx tsx src/readme.ts results/DATE.json` leaves docs/performance-SUITE-WHAT.svg for publishing and
 * consuming on each broker.
 */
const DRAWN = ['nats/publish', 'nats/consume', 'kafka/publish', 'kafka/consume'];
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: tsx src/readme.ts results/DATE.json');
const results: Results = JSON.parse(readFileSync(file, 'utf8'));
const all = await charts(results);
for (const section of DRAWN) {
  const svg = all.get(section);
  if (svg === undefined) continue;
  const target = join(import.meta.dirname, '..', '..', 'docs', `performance-${section.replace('/', '-')}.svg`);
  writeFileSync(target, svg);
  console.log(target);
}
