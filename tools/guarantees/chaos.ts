import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KAFKA_VERSION, NATS_VERSION } from '../brokers/index.js';
import type { TransportName } from '../chaos/broker/broker.js';
import { type Course as ChaosCourse, isFlat } from '../chaos/flatness.js';
import type { Verdict } from '../chaos/oracle/verdict.js';
import type { Found } from './results.js';
import { rowOfVerdict } from './verdict-row.js';

/** What `npm run chaos` and `npm run soak` write with --json. */
type Written = Verdict & {
  readonly seed: number;
  readonly minutes?: number;
  readonly courses?: readonly ChaosCourse[];
};

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `npm run chaos` or `npm run soak`, which show their progress and their verdict themselves. */
export async function spawned(what: 'chaos' | 'soak', transport: TransportName, minutes: number): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'eventbus-guarantees-'));
  const file = join(folder, 'result.json');
  const script = join('tools/chaos', what === 'chaos' ? 'cli.ts' : 'soak.ts');
  const args = ['--import', 'tsx', script, '--transport', transport, '--minutes', String(minutes), '--json', file];
  try {
    const run = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
    const [code] = (await once(run, 'exit')) as [number | null];
    const found = foundIn(what, transport, file);
    return code === 3 ? withFault(found, 'the run was inconclusive') : found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The results of a run that was made elsewhere, from the file it has written. */
export function foundIn(what: 'chaos' | 'soak', transport: TransportName, file: string): Found {
  const written = JSON.parse(readFileSync(file, 'utf8')) as Written;
  const on = transport === 'kafka' ? `Kafka ${KAFKA_VERSION}` : `nats-server ${NATS_VERSION}`;
  const { courses = [] } = written;
  const minutes = Math.round(written.minutes ?? written.seconds / 60);
  const title =
    what === 'chaos'
      ? `chaos, all faults, seed ${written.seed}, ${minutes} minutes`
      : `soak, a kill each minute, ${minutes} minutes`;
  const row = rowOfVerdict(title, on, written);
  const grows = courses.filter((course) => !isFlat(course));
  return {
    rows: [
      {
        ...row,
        broken: [...row.broken, ...grows.map(({ instance, measure }) => `${measure} of ${instance} grows (${on})`)],
      },
    ],
    ...(courses.length === 0 ? {} : { courses: courses.map((course) => ({ on, ...course })) }),
  };
}

function withFault(found: Found, fault: string): Found {
  return { ...found, rows: found.rows.map((row) => ({ ...row, broken: [...row.broken, fault] })) };
}
