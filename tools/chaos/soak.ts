import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { TRANSPORTS } from './broker/broker.js';
import { coursesOf, isFlat } from './flatness.js';
import { inconclusiveOf, violationsOf } from './oracle/verdict.js';
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
import { courseReport, reportOf } from './report.js';
import { runChaos } from './run.js';
import { type PlannedFault } from './schedule.js';

const USAGE = `usage: npm run soak -- --transport kafka|nats [--seed 42] [--minutes 30] [--rate 400] [--library DIST] [--json FILE]

A steady rate for a long time, a kill each minute, and two instances that are spared: what these hold must stay flat. Exits as chaos does.`;

const MINUTE_MS = 60_000;
const SAMPLE_EVERY_MS = 5_000;
/** These live from begin to end. */
const SPARED = ['i1', 'i2'];

const { values } = parseArgs({
  options: {
    transport: { type: 'string' },
    seed: { type: 'string', default: '42' },
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '400' },
    library: { type: 'string', default: fileURLToPath(new URL('../../dist', import.meta.url)) },
    json: { type: 'string' },
  },
});
const [transport] = listOf('--transport', values.transport ?? '', TRANSPORTS);
if (transport === undefined) throw new Error(USAGE);
const seed = numberOf('--seed', values.seed);
const minutes = numberOf('--minutes', values.minutes);
const kills = Array.from({ length: Math.floor(minutes) }, (_, minute): PlannedFault => {
  return {
    fault: 'kill',
    atMs: minute * MINUTE_MS + MINUTE_MS / 2,
    lengthMs: 1_000,
    pick: 0,
    scope: 'one',
    waits: true,
  };
});

endsWhenTold();
const bar = progressBar(minutes * MINUTE_MS);
const { verdict, samples } = await runChaos({
  seed,
  lengthMs: minutes * MINUTE_MS,
  schedule: kills,
  broker: brokerOf(transport),
  library: { dist: existingLibrary(values.library) },
  perSecond: numberOf('--rate', values.rate),
  spared: SPARED,
  sampleEveryMs: SAMPLE_EVERY_MS,
  keepsRecords: false,
  onProgress: bar.show,
}).finally(bar.stop);

const courses = coursesOf(samples).filter(({ instance }) => SPARED.includes(instance));
console.log(reportOf(verdict));
console.log(courseReport(courses));
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ transport, seed, minutes, ...verdict, courses, samples }, null, 1)}\n`,
  );
const violations = [
  ...violationsOf(verdict),
  ...courses.filter((course) => !isFlat(course)).map(({ instance, measure }) => `${measure} of ${instance} grows`),
];
const doubts = [
  ...inconclusiveOf(verdict, ['kill']),
  ...(courses.length === 0 ? ['nobody was sampled often enough'] : []),
];
for (const violation of violations) console.error(`VIOLATED ${violation}`);
for (const doubt of doubts) console.error(`INCONCLUSIVE ${doubt}`);
if (violations.length > 0) process.exitCode = VIOLATED;
else if (doubts.length > 0) process.exitCode = INCONCLUSIVE;
else console.log(`${transport}, ${minutes} minutes: every promise was kept, and nothing grows`);
