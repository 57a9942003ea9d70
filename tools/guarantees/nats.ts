import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crashRun } from '../../test/integration/nats/support/crash-run.js';
import { cutRun, serverKillRun } from '../../test/integration/nats/support/fault-runs.js';
import { groupRun, type GroupRun } from '../../test/integration/nats/support/group-run.js';
import type { Verdict } from '../../test/integration/nats/support/oracle.js';
import { NATS_VERSION, startNats, SUPPORTED_NATS_VERSIONS } from '../brokers/index.js';
import { MECHANISMS } from '../chaos/mechanisms.js';
import { buildLibrary } from '../chaos/workbench.js';
import type { Figure, Found, Row } from './results.js';

/** How much of each. */
export interface Scale {
  readonly crashes: number;
  readonly cuts: number;
  readonly serverKills: number;
  readonly controls: number;
  readonly groupSeconds: number;
}

/** Told of each run that has ended. */
export type Tell = (text: string) => void;

type Judged = Verdict & { readonly seed: number; readonly published: number };

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** kill -9 in mid-stream, and a second process that starts at once. */
export async function crashes(scale: Scale, tell: Tell): Promise<Found> {
  return inFolder(async (folder, patched) => {
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
  return inFolder(async (folder, patched) => {
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
        rowOf({ what: `the connection is cut ${scale.cuts} times`, runs: kept }),
        rowOf({ what: 'the connection is cut 10 times, without the take-over', runs: without, kind: 'control' }),
      ],
    };
  });
}

/** nats-server is killed with -9 three times a run. */
export async function serverKills(scale: Scale, tell: Tell): Promise<Found> {
  return inFolder(async (folder, patched) => {
    const run = (library?: string) => (seed: number) =>
      serverKillRun(NATS_VERSION, { folder, seed, faults: 3, library });
    const kept = await series(scale.serverKills, run(), tell);
    const without = await series(Math.min(3, scale.controls), run(patched), tell);
    const what = 'nats-server is killed with -9 three times';
    return {
      rows: [
        rowOf({ what, runs: kept }),
        rowOf({ what: `${what}, without the take-over`, runs: without, kind: 'control' }),
      ],
    };
  });
}

/** Instances of a group come, go, are killed, and one is stopped, on every supported nats-server. */
export async function group(scale: Scale, tell: Tell): Promise<Found> {
  return inFolder(async (folder) => {
    const rows: Row[] = [];
    const figures: Figure[] = [];
    for (const version of SUPPORTED_NATS_VERSIONS) {
      const runs = await series(1, () => groupRun({ version, folder, seed: 9, seconds: scale.groupSeconds }), tell);
      rows.push(rowOf({ what: GROUP, on: version, runs, more: runs.done.map(sharesOf).join('; ') }));
      figures.push(...runs.done.flatMap((run) => figuresOf(run)));
    }
    rows.push(await groupControl(folder, tell));
    return { rows, figures };
  });
}

const GROUP = '3 instances, 200 keys: joins, leaves, kills and a SIGSTOP';

/** What a stopped process had in hand is up to chance: until it shows. */
async function groupControl(folder: string, tell: Tell): Promise<Row> {
  const options = { version: NATS_VERSION, folder, seconds: 4, perSecond: 5_000, kinds: ['stop'] as const };
  const all: Series<GroupRun> = { done: [], failed: [] };
  for (let seed = 3; seed < 12 && sum(all.done, 'overlaps') + sum(all.done, 'orderViolations') === 0; seed += 1) {
    const { done, failed } = await series(1, () => groupRun({ ...options, seed, ignoresLease: true }), tell);
    all.done.push(...done);
    all.failed.push(...failed);
  }
  return rowOf({ what: 'a SIGSTOP, without the lease', runs: all, kind: 'control' });
}

function sharesOf({ faults, shares, evenShare, unownedMs }: GroupRun): string {
  const counts = Object.entries(faults).map(([name, count]) => `${count} ${name}`);
  return `${counts.join(', ')}; shares at the end ${shares.join('/')}, within one of even ${Math.round(evenShare * 100)} % of the time; longest without an owner ${(unownedMs.max / 1_000).toFixed(1)} s`;
}

function figuresOf({ version, convergences, unownedSpans, takeOvers }: GroupRun): Figure[] {
  const byKind = (what: string, spans: GroupRun['convergences']): Figure[] =>
    [...new Set(spans.map(({ after }) => after))].map((after) => ({
      ...figure(
        what,
        spans.filter((span) => span.after === after).map(({ ms }) => ms),
        version,
      ),
      after,
    }));
  return [
    ...byKind('until shares are even', convergences),
    ...byKind('a partition without a living owner', unownedSpans),
    figure('take-over by a new owner', takeOvers, version),
  ];
}

function figure(what: string, values: readonly number[], version: string = NATS_VERSION): Figure {
  return { what, on: `nats-server ${version}`, unit: 'ms', values: values.map((value) => Math.round(value * 10) / 10) };
}

/** What the runs of a series came to; one that did not come to its end has stalled. */
interface Series<T> {
  readonly done: T[];
  readonly failed: string[];
}

async function series<T extends Judged>(
  runs: number,
  run: (seed: number) => Promise<T>,
  tell: Tell,
): Promise<Series<T>> {
  const all: Series<T> = { done: [], failed: [] };
  for (let seed = 1; seed <= runs; seed += 1) {
    try {
      const one = await run(seed);
      all.done.push(one);
      const { published, lost, orderViolations, overlaps, examples } = one;
      tell(
        `seed ${seed}: ${published} events, ${lost} lost, ${orderViolations + overlaps} violations ${examples.join('; ')}`,
      );
    } catch (error) {
      all.failed.push(`seed ${seed}: ${String(error).slice(0, 300)}`);
      tell(`seed ${seed} did not come to its end: ${String(error)}`);
    }
  }
  return all;
}

function rowOf(parts: {
  readonly what: string;
  readonly runs: Series<Judged>;
  readonly on?: string;
  readonly more?: string;
  readonly kind?: Row['kind'];
}): Row {
  const { what, runs, on = NATS_VERSION, more = '', kind = 'run' } = parts;
  const { done, failed } = runs;
  return {
    what,
    on: `nats-server ${on}`,
    runs: done.length + failed.length,
    events: sum(done, 'published'),
    lost: sum(done, 'lost'),
    outOfOrder: sum(done, 'orderViolations'),
    overlaps: sum(done, 'overlaps'),
    excused: sum(done, 'frozenOverlaps'),
    twice: sum(done, 'duplicates'),
    stalls: failed.length,
    more: [more, ...failed].filter(Boolean).join('; '),
    kind,
    broken: [],
  };
}

function sum(
  runs: readonly Judged[],
  name: 'published' | 'lost' | 'orderViolations' | 'overlaps' | 'frozenOverlaps' | 'duplicates',
): number {
  return runs.reduce((total, run) => total + run[name], 0);
}

/** A folder for records, and in it a copy of the library without the take-over. */
async function inFolder(use: (folder: string, patched: string) => Promise<Found>): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'eventbus-guarantees-'));
  symlinkSync(MODULES, join(folder, 'node_modules'));
  const patched = buildLibrary(join(folder, 'library'), { patches: [MECHANISMS.takeOver] });
  let found: Found | undefined;
  try {
    return (found = await use(folder, patched));
  } finally {
    if (found !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
