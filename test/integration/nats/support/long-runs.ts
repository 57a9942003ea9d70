import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NATS_VERSION, startNats } from '../../../../tools/brokers/index.js';
import { crashRun } from './crash-run.js';
import { cutRun, serverKillRun } from './fault-runs.js';
import { groupRun } from './group-run.js';

/**
 * The long form of the tests, one line of JSON a run:
 *
 *     npx tsx test/integration/nats/support/long-runs.ts crash|cuts|server|group [runs] [nats-server version] [seconds of a group run]
 */
const [what, runs = '5', version = NATS_VERSION, seconds = '60'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'eventbus-long-'));

const run = {
  crash: async (seed: number) => crashRun({ url: (await shared()).url, folder, seed }),
  cuts: async (seed: number) => cutRun(await shared(), { folder, seed, faults: 30 }),
  server: (seed: number) => serverKillRun(version, { folder, seed, faults: 3 }),
  group: (seed: number) => groupRun({ version, folder, seed, seconds: Number(seconds) }),
};

let server: ReturnType<typeof startNats> | undefined;

function shared(): ReturnType<typeof startNats> {
  return (server ??= startNats({ version }));
}

function isKind(name: string | undefined): name is keyof typeof run {
  return name !== undefined && name in run;
}

if (!isKind(what)) throw new Error('which: crash, cuts, server or group?');
for (let seed = 1; seed <= Number(runs); seed++) {
  const result = await run[what](seed).catch((error: unknown) => ({ seed, failed: String(error) }));
  process.stdout.write(`${JSON.stringify({ what, version, ...result })}\n`);
}
await (await server)?.remove();
rmSync(folder, { recursive: true, force: true });
