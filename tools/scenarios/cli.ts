import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { obtainKafka, obtainNats } from '../brokers/obtain.js';
import { faultsOf, type RunResult, type ScenarioResult } from './result.js';
import { printTable } from './table.js';
import { KINDS, type Kind, LOADS, type Load, type Mode, TRANSPORTS, type TransportName } from './workload.js';

const USAGE = `usage: npm run scenarios [-- --transport memory,nats,kafka --kind raw,envelope --load low,medium,high,extreme
                                --reps N --json FILE]

Runs the reference workloads through the public API, each in a process of its own, on real brokers that it finds or starts. Exits non-zero
when an event was lost, a key's order was broken, a publish was not confirmed, a handle was left, or the broker disagrees.`;

interface Combination {
  readonly transport: TransportName;
  readonly kind: Kind;
  readonly load: Load;
}

const options = readOptions();
const servers = await startBrokers(options.transports);
const results: ScenarioResult[] = [];
const faults: string[] = [];
const bar = new SingleBar({
  format: '{bar} {percentage} % | {what} | {value}/{total} events | {eta_formatted} left',
  noTTYOutput: !process.stderr.isTTY,
  notTTYSchedule: 10_000,
});
try {
  await runAll();
} finally {
  bar.stop();
  await Promise.all([...servers.values()].map(({ release }) => release()));
}
printTable(results);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
for (const fault of faults) console.error(`FAILED ${fault}`);
const wanted = options.combinations.length;
console.log(`${results.length} of ${wanted} combinations ran, ${faults.length} faults`);
process.exitCode = faults.length > 0 || results.length !== wanted ? 1 : 0;

async function runAll(): Promise<void> {
  const total = options.combinations.reduce((sum, { load }) => sum + LOADS[load] * (options.reps + 1), 0);
  bar.start(total, 0, { what: 'starting' });
  let done = 0;
  for (const combination of options.combinations) {
    const what = `${combination.transport} ${combination.kind} ${combination.load}`;
    const run = async (mode: Mode, rep: number): Promise<RunResult> => {
      const result = await runProcess(combination, mode, rep, (received) =>
        bar.update(done + received, { what: `${what} ${mode}` }),
      );
      done += LOADS[combination.load];
      for (const fault of faultsOf(result)) faults.push(`${what} (${mode}): ${fault}`);
      return result;
    };
    try {
      const runs: RunResult[] = [];
      for (let rep = 0; rep < options.reps; rep++) runs.push(await run('publish', rep));
      results.push(rowOf(combination, runs, await run('enqueue', 0)));
    } catch (error) {
      faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function rowOf(combination: Combination, runs: readonly RunResult[], enqueued: RunResult): ScenarioResult {
  const sorted = runs.toSorted((a, b) => a.throughputPerSecond - b.throughputPerSecond);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (median === undefined) throw new Error('no run');
  const rates = sorted.map(({ throughputPerSecond }) => throughputPerSecond);
  return {
    ...combination,
    ...median,
    successPercent: (100 * median.received) / median.sent,
    enqueueThroughputPerSecond: enqueued.throughputPerSecond,
    ...(runs.length > 1 ? { spread: { min: rates[0] ?? 0, max: rates.at(-1) ?? 0, reps: runs.length } } : {}),
  };
}

function runProcess(
  { transport, kind, load }: Combination,
  mode: Mode,
  rep: number,
  onProgress: (received: number) => void,
): Promise<RunResult> {
  const run = `${transport}${kind}${load}${mode}${rep}x${Date.now().toString(36)}`;
  const args = [transport, kind, load, mode, run, servers.get(transport)?.address ?? ''];
  const child = fork(fileURLToPath(new URL('run-one.ts', import.meta.url)), args, {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    env: { ...process.env, TSX_TSCONFIG_PATH: fileURLToPath(new URL('tsconfig.json', import.meta.url)) },
  });
  return new Promise((resolve, reject) => {
    let result: RunResult | undefined;
    child.on('message', (message: { progress?: number; result?: RunResult }) => {
      if (message.progress !== undefined) onProgress(message.progress);
      result ??= message.result;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (result !== undefined && code === 0) resolve(result);
      else
        reject(
          new Error(
            `${transport} ${kind} ${load} ${mode} ended with exit code ${code} and ${result ? 'a' : 'no'} result`,
          ),
        );
    });
  });
}

async function startBrokers(
  names: readonly TransportName[],
): Promise<Map<TransportName, { address: string; release(): Promise<void> }>> {
  const started = new Map<TransportName, { address: string; release(): Promise<void> }>();
  if (names.includes('nats')) {
    const nats = await obtainNats();
    started.set('nats', { address: nats.url, release: () => nats.release() });
  }
  if (names.includes('kafka')) {
    const kafka = await obtainKafka({ tuning: 'load' });
    started.set('kafka', { address: kafka.brokers.join(','), release: () => kafka.release() });
  }
  return started;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      transport: { type: 'string', default: TRANSPORTS.join(',') },
      kind: { type: 'string', default: KINDS.join(',') },
      load: { type: 'string', default: Object.keys(LOADS).join(',') },
      reps: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const transports = chosen('--transport', values.transport, TRANSPORTS);
  const kinds = chosen('--kind', values.kind, KINDS);
  const loads = chosen('--load', values.load, Object.keys(LOADS) as Load[]);
  const reps = Number(values.reps);
  if (!Number.isInteger(reps) || reps < 1)
    throw new Error(`--reps must be an integer of at least 1, got "${values.reps}"`);
  const combinations = transports.flatMap((transport) =>
    kinds.flatMap((kind) => loads.map((load): Combination => ({ transport, kind, load }))),
  );
  return { transports, combinations, reps, json: values.json };
}

function chosen<T extends string>(flag: string, text: string, allowed: readonly T[]): T[] {
  const names = text.split(',').filter(Boolean);
  const unknown = names.filter((name) => !allowed.includes(name as T));
  if (unknown.length > 0 || names.length === 0)
    throw new Error(`${flag} must be of ${allowed.join(', ')}; got "${text}"`);
  return allowed.filter((name) => names.includes(name));
}
