import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import { SUPPORTED_KAFKA_VERSIONS, SUPPORTED_NATS_VERSIONS } from '../brokers/index.js';

/**
 * Runs the contract suite on every supported version of every broker, one after another, and prints a table. Each run leaves a JSON
 * report, `matrix-<broker>-<version>.json`, in the folder that EVENTBUS_MATRIX_REPORTS names (`test-results` when it names none).
 * Exits with 1 when a run failed or left no report.
 *
 *     tsx tools/matrix/run.ts [nats|kafka] [version …]
 */
interface Run {
  readonly broker: 'nats' | 'kafka';
  readonly version: string;
}

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

interface Outcome extends Run {
  readonly seconds: number;
  readonly report: Report | undefined;
  readonly isPassed: boolean;
}

const ALL: readonly Run[] = [
  ...SUPPORTED_NATS_VERSIONS.map((version): Run => ({ broker: 'nats', version })),
  ...SUPPORTED_KAFKA_VERSIONS.map((version): Run => ({ broker: 'kafka', version })),
];

const folder = resolve(process.env['EVENTBUS_MATRIX_REPORTS'] || 'test-results');
await mkdir(folder, { recursive: true });

const outcomes: Outcome[] = [];
for (const run of chosen(process.argv.slice(2))) outcomes.push(await runContract(run));

print(outcomes);
process.exitCode = outcomes.length > 0 && outcomes.every(({ isPassed }) => isPassed) ? 0 : 1;

function chosen([broker, ...versions]: readonly string[]): readonly Run[] {
  return ALL.filter((run) => {
    if (broker !== undefined && run.broker !== broker) return false;
    return versions.length === 0 || versions.includes(run.version);
  });
}

async function runContract(run: Run): Promise<Outcome> {
  const file = join(folder, `matrix-${run.broker}-${run.version}.json`);
  process.stdout.write(`\n== the contract on ${run.broker} ${run.version}\n`);
  await rm(file, { force: true });
  const started = performance.now();
  const exitCode = await vitest(`test/contract/${run.broker}.contract.spec.ts`, environment(run, file));
  const report = await readReport(file);
  const seconds = Math.round((performance.now() - started) / 1000);
  return { ...run, seconds, report, isPassed: exitCode === 0 && report?.success === true && report.numPassedTests > 0 };
}

/** A broker that somebody named would be of one version only: the matrix starts its own. */
function environment({ broker, version }: Run, file: string): NodeJS.ProcessEnv {
  const { EVENTBUS_TEST_NATS: _nats, EVENTBUS_TEST_KAFKA: _kafka, ...others } = process.env;
  return { ...others, [`EVENTBUS_TEST_${broker.toUpperCase()}_VERSION`]: version, EVENTBUS_TEST_JSON: file };
}

function vitest(spec: string, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', spec], { env, stdio: 'inherit' });
    child.on('error', failed);
    child.on('exit', (code) => done(code ?? 1));
  });
}

/** Undefined when there is none, or it is no report. */
async function readReport(file: string): Promise<Report | undefined> {
  try {
    const report: Report = JSON.parse(await readFile(file, 'utf8'));
    return report;
  } catch {
    return undefined;
  }
}

function print(all: readonly Outcome[]): void {
  const table = new Table({
    head: ['broker', 'version', 'passed', 'failed', 'skipped', 'seconds', ''],
    style: { head: [], border: [] },
  });
  for (const { broker, version, report, seconds, isPassed } of all) {
    const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = report ?? {};
    const verdict = isPassed ? 'ok' : report === undefined ? 'NO REPORT' : 'FAILED';
    table.push([broker, version, numPassedTests, numFailedTests, numPendingTests, seconds, verdict]);
  }
  process.stdout.write(`\n${table.toString()}\n`);
}
