import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FAULT_TESTS } from './fault-tests.js';

/**
 * Sums the JSON reports of a run and prints the closing line. Exits with 1 when a test failed, a report is missing or cannot be
 * read, or fewer test files ran than exist: a file that never ran must not look passed.
 *
 *     tsx tools/ci/summary.ts REPORT.json [REPORT.json …]
 */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
  readonly testResults: readonly { readonly name: string; readonly status: string }[];
}

const [first, ...others] = process.argv.slice(2);
if (first === undefined) throw new Error('usage: summary.ts REPORT.json [REPORT.json …]');

const reports = [first, ...others].map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report);
const apart = new Set(FAULT_TESTS.map((path) => resolve(path)));
const faults: string[] = [];
const ran = new Set(reports[0]?.testResults.map(({ name }) => resolve(name)));
for (const file of specs(resolve('test'))) if (!ran.has(file)) faults.push(`did not run: ${file}`);
for (const report of reports) {
  for (const { name, status } of report.testResults) if (status !== 'passed') faults.push(`${status}: ${name}`);
  if (!report.success) faults.push('a report says that its run did not succeed');
}

const sum = (pick: (report: Report) => number): number => reports.reduce((total, report) => total + pick(report), 0);
const passed = sum((r) => r.numPassedTests);
const skipped = sum((r) => r.numPendingTests + r.numTodoTests);
const failed = Math.max(
  sum((r) => r.numFailedTests),
  faults.length,
);
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** Those of faults have a run of their own. */
function specs(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (apart.has(path)) return [];
    if (statSync(path).isDirectory()) return name === 'node_modules' ? [] : specs(path);
    return name.endsWith('.spec.ts') ? [path] : [];
  });
}
