import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FAULT_TESTS } from './fault-tests.js';
import { countsOf, failedFiles, failedTests, readReport, type Report, withAgain } from './report.js';

/**
 * Sums the JSON reports of a run and prints the closing line. Exits with 1 when a test failed, a report is missing or cannot be
 * read, or fewer test files ran than exist: a file that never ran must not look passed. Where there is a REPORT-again.json, of files that
 * failed and were run alone, it stands for them, and what had failed is named all the same.
 *
 *     tsx tools/ci/summary.ts REPORT.json [REPORT.json …]
 */
const files = process.argv.slice(2);
if (files.length === 0) throw new Error('usage: summary.ts REPORT.json [REPORT.json …]');

const reports = files.map(reportOf);
const ran = new Set(reports.flatMap(({ testResults }) => testResults.map(({ name }) => resolve(name))));
const faults = specs(resolve('test'))
  .filter((file) => !ran.has(file))
  .map((file) => `did not run: ${file}`);
for (const report of reports) {
  faults.push(...failedFiles(report).map((name) => `not passed: ${name}`));
  if (!report.success) faults.push('a report says that its run did not succeed');
}

const { passed, failed: failedCount, skipped } = countsOf(reports);
const failed = Math.max(failedCount, faults.length);
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function reportOf(file: string): Report {
  const first = readReport(file);
  const again = file.replace(/\.json$/, '-again.json');
  if (!existsSync(again)) return first;
  for (const test of failedTests(first)) process.stderr.write(`failed beside others, run again alone: ${test}\n`);
  return withAgain(first, readReport(again));
}

/** Every test file there is; those of faults only when they were to run. */
function specs(folder: string): string[] {
  const areFaultsToRun = files.some((file) => file.endsWith('faults.json'));
  const apart = new Set(areFaultsToRun ? [] : FAULT_TESTS.map((path) => resolve(path)));
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (apart.has(path)) return [];
    if (statSync(path).isDirectory()) return name === 'node_modules' ? [] : specs(path);
    return name.endsWith('.spec.ts') ? [path] : [];
  });
}
