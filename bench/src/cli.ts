import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FULL, QUICK } from './measure/configuration.js';
import { SUITES, type SuiteName } from './process/registry.js';
import { printTop } from './report/profile.js';
import { printTables } from './report/table.js';
import { judge, readFloors, strangersIn, WEAK } from './run/floors.js';
import { referenceRows } from './run/reference.js';
import { sectionOf } from './run/results.js';
import type { Measured, Results } from './run/results.js';
import { runPlan } from './run/suite-run.js';

const USAGE = `usage: npm run bench [-- --suite ${Object.keys(SUITES).join(',')} --only TEXT[,TEXT] --reps N --quick --check --profile TEXT]

Measures the library beside raw clients and its peers, on real brokers, each configuration in a process of its own, and leaves
bench/results/DATE.json and DATE.html. Fails when a repetition lost an event or broke an order.

--only     configurations whose name has this in it
--reps     measured repetitions, after one that warms up (5; 3 with --quick)
--quick    a few minutes: a few ratios against raw clients
--check    compares the ratios with bench/floors.json and fails below (--quick: at a share of them)
--profile  only configurations whose name has this in it; leaves a CPU profile of each and prints its top functions`;

const RESULTS = join(import.meta.dirname, '..', 'results');
const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    only: { type: 'string' },
    reps: { type: 'string' },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else process.exitCode = await main();

async function main(): Promise<number> {
  const { quick, profile } = values;
  const only = (profile ?? values.only)?.split(',');
  const started = new Date();
  const suites = suitesOf(values.suite);
  const known = await Promise.all(suites.map((suite) => SUITES[suite]()));
  const strangers = strangersIn(readFloors(), [...known.flat(), ...referencesOf(known.flat())]);
  if (strangers.length > 0) throw new Error(`floors.json names what there is not: ${strangers.join(', ')}`);
  const { measured: own, brokers } = await runPlan({
    suites,
    repetitions: repetitionsOf(values.reps ?? (quick ? '3' : '5')),
    scale: quick ? QUICK : FULL,
    isWanted: ({ id, quick: isQuick = false }) =>
      only === undefined ? isQuick || !quick : only.some((text) => id.includes(text)),
    ...(profile === undefined ? {} : { profileOf }),
  });
  const measured = [...own, ...referencesOf(own)];
  const results: Results = {
    date: started.toISOString(),
    machine: machine(),
    brokers,
    isQuick: quick,
    measured,
    verdicts: judge(measured, quick),
  };
  printTables(results);
  if (profile !== undefined) for (const { id } of measured) printTop(id, profileOf(id));
  await save(results);
  return failureOf(results);
}

/** What the reference bus reached in the same sections. */
function referencesOf(all: readonly { readonly id: string }[]): Measured[] {
  return referenceRows([...new Set(all.map(sectionOf))]);
}

/** 1: an oracle found something. 2: a floor was not reached. */
function failureOf({ measured, verdicts, isQuick }: Results): number {
  if (measured.length === 0 || measured.some(({ faults }) => faults.length > 0)) return 1;
  const unmet = verdicts.filter(({ isMet, counts }) => counts && !isMet);
  const checked = verdicts.filter(({ counts }) => counts);
  const weak = verdicts.filter(({ unless }) => unless === WEAK).map(({ suite }) => suite);
  for (const suite of new Set(weak)) console.log(`${suite} DOES NOT COUNT in this run: ${WEAK}`);
  console.log(`${checked.length - unmet.length} of ${checked.length} ratios are met${isQuick ? ' (quick run)' : ''}`);
  return values.check && (unmet.length > 0 || checked.length === 0) ? 2 : 0;
}

async function save(results: Results): Promise<void> {
  mkdirSync(RESULTS, { recursive: true });
  const isWhole = !results.isQuick && values.only === undefined && values.profile === undefined;
  const name = isWhole ? results.date.slice(0, 16).replace(':', '') : 'latest-part';
  const file = join(RESULTS, name);
  writeFileSync(`${file}.json`, `${JSON.stringify(results, null, 2)}\n`);
  const { htmlReport } = await import('./report/html.js');
  writeFileSync(`${file}.html`, await htmlReport(results));
  console.log(`${file}.json, ${file}.html`);
}

function profileOf(id: string): string {
  mkdirSync(RESULTS, { recursive: true });
  return join(RESULTS, `${id.replaceAll('/', '-')}.cpuprofile`);
}

function machine(): Results['machine'] {
  const all = cpus();
  return {
    cpus: all.length,
    model: all[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

function suitesOf(text = Object.keys(SUITES).join(',')): SuiteName[] {
  const names = text.split(',').filter(Boolean);
  const known = names.filter((name): name is SuiteName => name in SUITES);
  if (known.length !== names.length || names.length === 0)
    throw new Error(`--suite must be of ${Object.keys(SUITES).join(', ')}`);
  return known;
}

function repetitionsOf(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(`--reps must be an integer above 0, got "${text}"`);
}
