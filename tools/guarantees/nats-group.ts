import { groupRun, type GroupRun } from '../../test/integration/nats/support/group-run.js';
import { NATS_VERSION, SUPPORTED_NATS_VERSIONS } from '../brokers/index.js';
import { figure, inFolder, rowOf, type Scale, type Series, series, sum, type Tell } from './nats-series.js';
import type { Figure, Found, Row } from './results.js';

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
  return `${counts.join(', ')}; shares at the end ${shares.join('/')}, within one of even ${Math.round(evenShare * 100)} % of the time; longest without an owner, from the end of a membership on, ${(unownedMs.max / 1_000).toFixed(1)} s`;
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
    ...byKind('from a fault until every partition has an owner and shares are even', convergences),
    ...byKind('a partition without an owner, from the end of a membership on', unownedSpans),
    figure('take-over by a new owner', takeOvers, version),
  ];
}
