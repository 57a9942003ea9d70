import { join } from 'node:path';
import { crashRun } from '../../test/integration/nats/support/crash-run.js';
import { cutRun, serverKillRun } from '../../test/integration/nats/support/fault-runs.js';
import { NATS_VERSION, startNats } from '../brokers/index.js';
import { MECHANISMS } from '../chaos/mechanisms.js';
import { buildLibrary } from '../chaos/workbench.js';
import { figure, inFolder, rowOf, type Scale, series, type Tell } from './nats-series.js';
import type { Found, Row } from './results.js';

/** kill -9 in mid-stream, and a second process that starts at once. */
export async function crashes(scale: Scale, tell: Tell): Promise<Found> {
  return inFolder(async (folder) => {
    const patched = withoutTakeOver(folder);
    const server = await startNats();
    try {
      const run = (library?: string) => (seed: number) => crashRun({ url: server.url, folder, seed, library });
      const kept = await series(scale.crashes, run(), tell);
      const without = await series(scale.controls, run(patched), tell);
      const pauses = kept.done.map(({ fromConsumeMs }) => fromConsumeMs).filter((ms) => ms !== undefined);
      const inFlight = kept.done.map(({ inFlightAtKill }) => inFlightAtKill);
      const what = 'a process is killed with -9 in mid-stream and started again';
      return {
        rows: [
          rowOf({
            what,
            runs: kept,
            more: `${Math.min(...inFlight)} to ${Math.max(...inFlight)} in flight at the kill`,
          }),
          rowOf({ what: `${what}, without the take-over`, runs: without, kind: 'control' }),
        ],
        figures: [figure('begin of consuming to the first handler, after a kill -9', pauses)],
      };
    } finally {
      await server.remove();
    }
  });
}

/** The connection of a process that handles is cut again and again. */
export async function cuts(scale: Scale, tell: Tell): Promise<Found> {
  return inFolder(async (folder) => {
    const patched = withoutTakeOver(folder);
    const run = (faults: number, library?: string) => async (seed: number) => {
      const server = await startNats(); // what another run has left in the stream would be handled first
      try {
        return await cutRun(server, { folder, seed, faults, library });
      } finally {
        await server.remove();
      }
    };
    const kept = await series(1, run(scale.cuts), tell);
    const without = await series(1, run(10, patched), tell);
    return {
      rows: [
        once(rowOf({ what: `the connection is cut ${scale.cuts} times`, runs: kept })),
        rowOf({ what: 'the connection is cut 10 times, without the take-over', runs: without, kind: 'control' }),
      ],
    };
  });
}

/** nats-server is killed with -9 three times a run. */
export async function serverKills(scale: Scale, tell: Tell): Promise<Found> {
  return inFolder(async (folder) => {
    const run = (library?: string) => (seed: number) =>
      serverKillRun(NATS_VERSION, { folder, seed, faults: 3, library });
    const { settledOnes, reconnect, watchdog } = MECHANISMS;
    const forgetful = buildLibrary(join(folder, 'forgetful'), { patches: [settledOnes] });
    const deaf = buildLibrary(join(folder, 'deaf'), { patches: [reconnect, watchdog] });
    const kept = await series(scale.serverKills, run(), tell);
    const twice = await series(Math.min(3, scale.controls), run(forgetful), tell);
    const stalled = await series(1, run(deaf), tell);
    const what = 'nats-server is killed with -9 three times';
    return {
      rows: [
        once(rowOf({ what, runs: kept })),
        once(rowOf({ what: `${what}, without memory of what was settled`, runs: twice, kind: 'control' })),
        rowOf({ what: `${what}, without a new pull and the watchdog`, runs: stalled, kind: 'control' }),
      ],
    };
  });
}

/** Where nothing may be handled twice: no process has died. */
function once(row: Row): Row {
  return row.twice === 0 ? row : { ...row, broken: [`${row.twice} events were handled twice`] };
}

function withoutTakeOver(folder: string): string {
  return buildLibrary(join(folder, 'library'), { patches: [MECHANISMS.takeOver] });
}
