import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { charts } from './report/charts.js';
import { performanceSection } from './report/readme-section.js';
import type { Results } from './run/results.js';

/**
 * The README's performance section and its plots, from results: `npx tsx bench/src/readme.ts RESULT.json …`. Leaves docs/performance-SUITE-WHAT.svg for
 * publishing and consuming on each broker, and what stands between the README's marks.
 */
const DRAWN = ['nats/publish', 'nats/consume', 'kafka/publish', 'kafka/consume'];
const ROOT = join(import.meta.dirname, '..', '..');
const README = join(ROOT, 'README.md');
const MARKS = { begin: '<!-- performance -->', end: '<!-- /performance -->' };

const files = process.argv.slice(2);
if (files.length === 0) throw new Error('usage: tsx bench/src/readme.ts RESULT.json …');
const results = files.map((file): Results => JSON.parse(readFileSync(file, 'utf8')));

const plots: string[] = [];
for (const result of results) {
  const all = await charts(result);
  for (const section of DRAWN) {
    const svg = all.get(section);
    if (svg === undefined) continue;
    const target = join(ROOT, 'docs', `performance-${section.replace('/', '-')}.svg`);
    writeFileSync(target, svg);
    plots.push(relative(ROOT, target));
  }
}

const readme = readFileSync(README, 'utf8');
const [before, rest] = readme.split(MARKS.begin);
const after = rest?.split(MARKS.end)[1];
if (before === undefined || after === undefined) throw new Error(`${README} has no ${MARKS.begin} … ${MARKS.end}`);
const text = `${before}${MARKS.begin}\n\n${performanceSection(results, plots)}\n\n${MARKS.end}${after}`;
writeFileSync(README, await format(text, { ...(await resolveConfig(README)), parser: 'markdown' }));
console.log([README, ...plots].join('\n'));
