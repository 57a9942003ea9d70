import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { type RunNames, TRANSPORTS, type TransportName } from './broker/broker.js';
import { ChaosKafka } from './broker/kafka.js';
import { ChaosNats } from './broker/nats.js';
import { inconclusiveOf, violationsOf } from './oracle/verdict.js';
import { lineOf } from './records.js';
import { reportOf } from './report.js';
import { type Progress, runChaos, type RunResult } from './run.js';
import { type Fault, FAULTS, lineOfFault, schedule } from './schedule.js';

const USAGE = `usage: npm run chaos -- --transport kafka|nats [--seed 42] [--minutes 5] [--faults ${FAULTS.join(',')}]
                    [--rate 600] [--instances 3] [--library DIST] [--json FILE] [--keep FOLDER]

Runs instances of an application as processes, on a broker of its own, under a seeded schedule of faults, and says what became of the events.
Exits with 1 when a promise was broken, with 3 when the run proves nothing: a requested fault never struck, or struck with nothing in flight.
--library takes another built copy of the library; --keep stores the history and the logs of a run.`;

const DEFAULT_FAULTS: readonly Fault[] = [
  'kill',
  'stop',
  'join',
  'leave',
  'block',
  'broker-kill',
  'broker-restart',
  'cut',
  'reset',
  'half-open',
  'blackhole',
  'slow',
];
const LEASE_MS: Readonly<Record<TransportName, number>> = { kafka: 6_000, nats: 4_000 };
const VIOLATED = 1;
const INCONCLUSIVE = 3;

const options = readOptions();
const { transport, seed, lengthMs, faults } = options;
const planned = schedule({ seed, lengthMs, faults, leaseMs: LEASE_MS[transport] });
console.log(`chaos on ${transport}, seed ${seed}, ${lengthMs / 60_000} minutes, ${planned.length} faults:`);
for (const fault of planned) console.log(lineOfFault(fault));

const bar = new SingleBar({
  format:
    '{bar} {percentage} % | {phase} | {confirmed} confirmed, {handled} handled | {instances} instances, {running} running | {faults}',
  noTTYOutput: !process.stderr.isTTY,
  notTTYSchedule: 15_000,
});
bar.start(Math.ceil(lengthMs / 1_000), 0, {
  phase: 'starting',
  confirmed: 0,
  handled: 0,
  instances: 0,
  running: 0,
  faults: '',
});
const result = await runChaos({
  seed,
  lengthMs,
  schedule: planned,
  broker: (names: RunNames) => (transport === 'kafka' ? ChaosKafka.start(names) : ChaosNats.start(names)),
  library: { dist: options.library },
  instances: options.instances,
  perSecond: options.rate,
  onProgress: show,
}).finally(() => bar.stop());

console.log(reportOf(result.verdict));
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ transport, seed, ...result.verdict }, null, 1)}\n`);
if (options.keep !== undefined) keep(options.keep, result);
process.exitCode = conclude(result);

function conclude({ verdict }: RunResult): number {
  const violations = violationsOf(verdict);
  const doubts = inconclusiveOf(verdict, faults);
  for (const violation of violations) console.error(`VIOLATED ${violation}`);
  for (const doubt of doubts) console.error(`INCONCLUSIVE ${doubt}`);
  if (violations.length > 0) return VIOLATED;
  if (doubts.length > 0) return INCONCLUSIVE;
  console.log(`${transport}, seed ${seed}: every promise was kept`);
  return 0;
}

function show({ phase, atMs, confirmed, handled, instances, running, faults: lasting }: Progress): void {
  bar.update(Math.min(Math.floor(atMs / 1_000), Math.ceil(lengthMs / 1_000)), {
    phase,
    confirmed,
    handled,
    instances,
    running,
    faults: lasting.join(' '),
  });
}

function keep(folder: string, { records, logs }: RunResult): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'history.jsonl'), records.map(lineOf).join(''));
  for (const [name, text] of logs) writeFileSync(join(folder, `${name}.log`), text);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      transport: { type: 'string' },
      seed: { type: 'string', default: '42' },
      minutes: { type: 'string', default: '5' },
      faults: { type: 'string', default: DEFAULT_FAULTS.join(',') },
      rate: { type: 'string', default: '600' },
      instances: { type: 'string', default: '3' },
      library: { type: 'string', default: fileURLToPath(new URL('../../dist', import.meta.url)) },
      json: { type: 'string' },
      keep: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const [chosen] = ofList('--transport', values.transport ?? '', TRANSPORTS);
  if (chosen === undefined) throw new Error(USAGE);
  if (!existsSync(join(values.library, 'index.js')))
    throw new Error(`${values.library} has no built library; run npm run build`);
  return {
    transport: chosen,
    seed: numberOf('--seed', values.seed),
    lengthMs: numberOf('--minutes', values.minutes) * 60_000,
    faults: ofList('--faults', values.faults, FAULTS),
    rate: numberOf('--rate', values.rate),
    instances: numberOf('--instances', values.instances),
    library: values.library,
    json: values.json,
    keep: values.keep,
  };
}

function ofList<T extends string>(flag: string, text: string, allowed: readonly T[]): T[] {
  const names = text.split(',').filter(Boolean);
  const unknown = names.filter((name) => !allowed.includes(name as T));
  if (unknown.length > 0) throw new Error(`${flag} must be of ${allowed.join(', ')}; got "${text}"`);
  return allowed.filter((name) => names.includes(name));
}

function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new Error(`${flag} must be a number above 0, got "${text}"`);
  return number;
}
