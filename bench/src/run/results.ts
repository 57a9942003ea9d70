import type { Configuration, Repetition } from '../measure/configuration.js';

/** One configuration with all its repetitions. */
export interface Measured extends Pick<Configuration, 'id' | 'title' | 'by' | 'note' | 'axis' | 'line'> {
  readonly repetitions: readonly Repetition[];
  /** What its oracle or its process said; the figures of one with faults do not count. */
  readonly faults: readonly string[];
  /** The same of a peer: said beside its figure, and no fault of ours. */
  readonly findings: readonly string[];
}

/** What a run leaves behind. */
export interface Results {
  readonly date: string;
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly memoryGiB: number;
    readonly node: string;
  };
  readonly brokers: readonly string[];
  readonly isQuick: boolean;
  readonly measured: readonly Measured[];
  readonly verdicts: readonly Verdict[];
}

/** One ratio, beside what it must be. */
export interface Verdict {
  readonly id: string;
  readonly what: string;
  readonly suite: string;
  /** Undefined where one of the two has no figure. */
  readonly value: number | undefined;
  readonly atLeast?: number | undefined;
  readonly atMost?: number | undefined;
  readonly isMet: boolean;
  /** Whether the run stands or falls with it. */
  readonly counts: boolean;
  /** Why it does not. */
  readonly unless?: string | undefined;
}

/** `nats` of `nats/publish/ours-many`. */
export function suiteOf({ id }: Pick<Measured, 'id'>): string {
  return id.slice(0, id.indexOf('/'));
}

/** What belongs into one chart: `nats/publish`. */
export function sectionOf({ id }: Pick<Measured, 'id'>): string {
  return id.split('/').slice(0, 2).join('/');
}

/** What is compared first among those of one section: `nats/publish`. */
export function mainFigureOf(section: string): string {
  if (/[/-](latency|paced)$/.test(section)) return 'p50';
  if (section.endsWith('/rebalance')) return 'joinMs';
  if (section.endsWith('/idle')) return 'idlePercent';
  if (section === 'pools/memory') return 'bytesAnEvent';
  if (section === 'pools/start') return 'addedCpuMs';
  return section.startsWith('pools/') ? 'clientMicros' : 'rate';
}

/** Whether its latency is the figure, and its rate only its pace. */
export function isLatency(one: Pick<Measured, 'id'>): boolean {
  return mainFigureOf(sectionOf(one)) === 'p50';
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [min] = sorted;
  if (min === undefined) return undefined;
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? min) + (sorted[Math.ceil(middle)] ?? min)) / 2;
  return { median, min, max: sorted.at(-1) ?? min };
}

/** Events a second. */
export function rateOf({ repetitions }: Measured): Spread | undefined {
  return spreadOf(repetitions.map(({ events, seconds }) => events / seconds));
}

/** The same of one point. */
export function pointsOf(measured: Measured, name: string): { readonly x: number; readonly spread: Spread }[] {
  const xs = measured.repetitions[0]?.points?.map(({ x }) => x) ?? [];
  return xs.flatMap((x) => {
    const values = measured.repetitions.flatMap(({ points = [] }) =>
      points.filter((point) => point.x === x).map((point) => valueOf(point, name)),
    );
    const spread = spreadOf(values.filter((value) => value !== undefined));
    return spread === undefined ? [] : [{ x, spread }];
  });
}

/** A figure by name: `rate`, `clientMicros`, `brokerMicros`, `p50` …, or an `extra`; `rate@500` of the point at 500. */
export function figureOf(measured: Measured, name: string): Spread | undefined {
  const [figure = name, x] = name.split('@');
  if (x !== undefined) return pointsOf(measured, figure).find((point) => point.x === Number(x))?.spread;
  return spreadOf(measured.repetitions.map((one) => valueOf(one, name)).filter((value) => value !== undefined));
}

function valueOf(one: Omit<Repetition, 'faults'>, name: string): number | undefined {
  if (name === 'rate') return one.events / one.seconds;
  if (name === 'clientMicros' || name === 'brokerMicros') return one[name];
  const { latencyMs, extra } = one;
  return (latencyMs as Record<string, number> | undefined)?.[name] ?? extra?.[name];
}
