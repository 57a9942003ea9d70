import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { endsWhenTold, listOf, numberOf, progressBar } from '../chaos/command-line.js';
import { foundIn, spawned } from './chaos.js';
import { kafkaGroup } from './kafka.js';
import { crashes, cuts, serverKills } from './nats-faults.js';
import { group } from './nats-group.js';
import type { Scale, Tell } from './nats-series.js';
import { faultsOf, type Found, keep, readResults } from './results.js';
import { PARTS, withResults } from './section.js';

const USAGE = `usage: npm run guarantees -- [--only ${PARTS.join(',')}]
                         [--runs 50] [--cuts 30] [--server-runs 20] [--controls 10] [--group-seconds 60]
                         [--kafka-minutes 3] [--chaos-minutes 5] [--soak-minutes 30] [--from PART=FILE,…]

Runs the long forms of the guarantees one after another, keeps what they bring in docs/guarantees-results.json, and writes it into
docs/guarantees.md and docs/guarantees-times.svg. Exits with 1 when a promise was broken, or a control shows nothing.
--from takes what \`npm run chaos\` or \`npm run soak\` has written with --json, instead of running it: soak-nats=FILE. With --only none nothing is run.`;

const PAGE = fileURLToPath(new URL('../../docs/guarantees.md', import.meta.url));
const PLOT = fileURLToPath(new URL('../../bench/src/guarantees.ts', import.meta.url));

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    runs: { type: 'string', default: '50' },
    cuts: { type: 'string', default: '30' },
    'server-runs': { type: 'string', default: '20' },
    controls: { type: 'string', default: '10' },
    'group-seconds': { type: 'string', default: '60' },
    'kafka-minutes': { type: 'string', default: '3' },
    'chaos-minutes': { type: 'string', default: '5' },
    'soak-minutes': { type: 'string', default: '30' },
    from: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

type PartName = (typeof PARTS)[number];
const scale: Scale = {
  crashes: numberOf('--runs', values.runs),
  cuts: numberOf('--cuts', values.cuts),
  serverKills: numberOf('--server-runs', values['server-runs']),
  controls: numberOf('--controls', values.controls),
  groupSeconds: numberOf('--group-seconds', values['group-seconds']),
};
const kafkaMinutes = numberOf('--kafka-minutes', values['kafka-minutes']);
const chaosMinutes = numberOf('--chaos-minutes', values['chaos-minutes']);
const soakMinutes = numberOf('--soak-minutes', values['soak-minutes']);

const run: Readonly<Record<PartName, (tell: Tell) => Promise<Found>>> = {
  crash: (tell) => crashes(scale, tell),
  cuts: (tell) => cuts(scale, tell),
  server: (tell) => serverKills(scale, tell),
  group: (tell) => group(scale, tell),
  kafka: () => {
    const bar = progressBar(kafkaMinutes * 60_000);
    return kafkaGroup(kafkaMinutes, bar.show).finally(bar.stop);
  },
  'chaos-nats': () => spawned('chaos', 'nats', chaosMinutes),
  'chaos-kafka': () => spawned('chaos', 'kafka', chaosMinutes),
  'soak-nats': () => spawned('soak', 'nats', soakMinutes),
  'soak-kafka': () => spawned('soak', 'kafka', soakMinutes),
};

endsWhenTold();
const faults: string[] = [];
for (const given of values.from.split(',').filter(Boolean)) await taken(given);
const asked = values.only === 'none' ? [] : listOf('--only', values.only, PARTS);
for (const [at, part] of asked.entries()) await ran(part, `${at + 1}/${asked.length} ${part}`);
await published();
for (const fault of faults) console.error(`VIOLATED ${fault}`);
if (faults.length > 0) process.exitCode = 1;
else console.log('every promise was kept, and every control shows what it should');

/** A part that was run elsewhere: as old as its file. */
async function taken(given: string): Promise<void> {
  const [name = '', file = ''] = given.split('=');
  const [part] = listOf('--from', name, PARTS);
  const [what, transport] = part?.split('-') ?? [];
  if ((what !== 'chaos' && what !== 'soak') || (transport !== 'kafka' && transport !== 'nats')) throw new Error(USAGE);
  conclude(name, foundIn(what, transport, file), statSync(file).mtime);
}

async function ran(part: PartName, title: string): Promise<void> {
  const at = new Date();
  console.error(`${title} …`);
  conclude(part, await run[part]((text) => console.error(`${title}: ${text}`)), at);
}

function conclude(part: string, found: Found, at: Date): void {
  keep(part, found, at);
  for (const row of found.rows) faults.push(...faultsOf(row));
}

/** The plot is drawn by the bench, which has the packages for it. */
async function published(): Promise<void> {
  const drawn = spawnSync(process.execPath, ['--import', 'tsx', PLOT], { stdio: 'inherit' });
  if (drawn.status !== 0) throw new Error('the plot could not be drawn: npm ci in bench installs what it needs');
  const page = withResults(readFileSync(PAGE, 'utf8'), readResults());
  writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), filepath: PAGE }));
  console.log(PAGE);
}
