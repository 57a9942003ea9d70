import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TRANSPORTS, type TransportName } from './broker/broker.js';
import {
  brokerOf,
  endsWhenTold,
  existingLibrary,
  INCONCLUSIVE,
  listOf,
  numberOf,
  progressBar,
  VIOLATED,
} from './command-line.js';
import { keepRun } from './keep.js';
import { inconclusiveOf, violationsOf } from './oracle/verdict.js';
import { reportOf } from './report.js';
import { runChaos, type RunResult } from './run.js';
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

const options = readOptions();
const { transport, seed, lengthMs, faults } = options;
const planned = schedule({ seed, lengthMs, faults, leaseMs: LEASE_MS[transport] });
console.log(`chaos on ${transport}, seed ${seed}, ${lengthMs / 60_000} minutes, ${planned.length} faults:`);
for (const fault of planned) console.log(lineOfFault(fault));

endsWhenTold();
const bar = progressBar(lengthMs);
const result = await runChaos({
  seed,
  lengthMs,
  schedule: planned,
  broker: brokerOf(transport),
  library: { dist: options.library },
  instances: options.instances,
  perSecond: options.rate,
  onProgress: bar.show,
}).finally(bar.stop);

console.log(reportOf(result.verdict));
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ transport, seed, ...result.verdict }, null, 1)}\n`);
if (options.keep !== undefined) keepRun(options.keep, result);
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
  const [chosen] = listOf('--transport', values.transport ?? '', TRANSPORTS);
  if (chosen === undefined) throw new Error(USAGE);
  return {
    transport: chosen,
    seed: numberOf('--seed', values.seed),
    lengthMs: numberOf('--minutes', values.minutes) * 60_000,
    faults: listOf('--faults', values.faults, FAULTS),
    rate: numberOf('--rate', values.rate),
    instances: numberOf('--instances', values.instances),
    library: existingLibrary(values.library),
    json: values.json,
    keep: values.keep,
  };
}
