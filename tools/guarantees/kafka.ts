import { KAFKA_VERSION } from '../brokers/index.js';
import { brokerOf } from '../chaos/command-line.js';
import { MECHANISMS } from '../chaos/mechanisms.js';
import { violationsOf } from '../chaos/oracle/verdict.js';
import { runChaos, type RunOptions, type RunResult } from '../chaos/run.js';
import { type Fault, schedule } from '../chaos/schedule.js';
import { type Move, MovesWatch } from './moves.js';
import type { Figure, Found, Row } from './results.js';
import { rowOfVerdict } from './verdict-row.js';

const LEASE_MS = 6_000;
const WHAT = '2 to 6 instances, 200 keys, 0.5 % of handlers 0.5 to 1.5 s: joins, leaves, kills and SIGSTOPs';
/** Joins more often than the rest: they are what moves partitions between the living. */
const FAULTS: readonly Fault[] = ['join', 'leave', 'join', 'kill', 'join', 'stop', 'leave'];
/** For longer than the session lasts. */
const STOP = { fault: 'stop', lengthMs: 1.6 * LEASE_MS, pick: 0, scope: 'one', waits: true } as const;
const ON = `Kafka ${KAFKA_VERSION}`;

/** Instances of a consumer group come, go, are killed and stopped, with slow handlers among the quick. */
export async function kafkaGroup(minutes: number, onProgress: NonNullable<RunOptions['onProgress']>): Promise<Found> {
  const common = { seed: 42, broker: brokerOf('kafka'), onProgress } as const;
  const lengthMs = minutes * 60_000;
  const planned = schedule({ seed: 42, lengthMs, faults: FAULTS, leaseMs: LEASE_MS, everyMs: [9_000, 12_000] });
  const run = await runChaos({ ...common, lengthMs, schedule: planned, mostInstances: 6 });
  const withoutDrain = await runChaos({
    ...common,
    lengthMs: 20_000,
    schedule: schedule({ seed: 7, lengthMs: 20_000, faults: ['join', 'leave'], leaseMs: LEASE_MS }),
    mostInstances: 6,
    load: { slowShare: 0.05, slowMs: [3_000, 4_000] },
    library: { patches: [MECHANISMS.drain] },
  });
  const withoutLease = await runChaos({
    ...common,
    lengthMs: 30_000,
    schedule: [2_000, 16_000].map((atMs) => ({ ...STOP, atMs })),
    keys: 40,
    perSecond: 400,
    load: { quickMs: 300 },
    library: { patches: [MECHANISMS.kafkaLease] },
  });
  const { moves, joins } = movesOf(run);
  return {
    rows: [
      { ...rowOfVerdict(WHAT, ON, run.verdict), ...judged(run, moves) },
      { ...rowOfVerdict('joins and leaves, without the drain', ON, withoutDrain.verdict), kind: 'control' },
      { ...rowOfVerdict('SIGSTOPs, without the lease', ON, withoutLease.verdict), kind: 'control' },
    ],
    figures: figuresOf(moves, joins),
  };
}

/** Moves that nobody needed are a broken promise as well. */
function judged({ verdict }: RunResult, moves: readonly Move[]): Pick<Row, 'broken' | 'more'> {
  const needless = moves.filter(({ isHandedOver, isToNewcomer }) => isHandedOver && !isToNewcomer);
  const struck = verdict.faults.map(({ fault, runningAt }) => `${runningAt.length} ${fault}`).join(', ');
  const longest = ((verdict.longestPause?.lengthMs ?? 0) / 1_000).toFixed(1);
  return {
    broken: [
      ...violationsOf(verdict).filter((text) => !/order of a key|events were lost|sources stalled/.test(text)),
      ...needless.map(({ partition, from, to }) => `partition ${partition} went from ${from} to ${to} for nothing`),
    ],
    more: `${struck}; ${moves.length} moves, ${needless.length} of them needless; longest pause of a partition ${longest} s`,
  };
}

function movesOf({ records }: RunResult): MovesWatch {
  const watch = new MovesWatch();
  for (const record of records) watch.take(record);
  return watch;
}

function figuresOf(moves: readonly Move[], joins: readonly string[]): Figure[] {
  const handedOver = moves.filter(({ isHandedOver }) => isHandedOver);
  const later = joins.filter((name) => moves.some(({ to, after }) => to === name && after === 'join'));
  const ms = (what: string, some: readonly Move[], name: 'drainMs' | 'pauseMs', after?: string): Figure => ({
    what,
    on: ON,
    unit: 'ms',
    values: some.map((move) => Math.round(move[name])),
    ...(after === undefined ? {} : { after }),
  });
  return [
    {
      what: 'partitions that a join takes from the living',
      on: ON,
      unit: 'partitions',
      values: later.map((name) => handedOver.filter(({ to }) => to === name).length),
    },
    ms('drain of a partition that is handed over', handedOver, 'drainMs'),
    ...(['join', 'leave', 'kill', 'stop', 'continue'] as const)
      .map((after) => [after, moves.filter((move) => move.after === after)] as const)
      .filter(([, some]) => some.length > 0)
      .map(([after, some]) => ms('a partition that moves, without a handler', some, 'pauseMs', after)),
  ];
}
