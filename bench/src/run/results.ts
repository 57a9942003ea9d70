import type { Configuration, Repetition } from '../measure/configuration.js';

/** One configuration with all its repetitions. */
export interface Measured extends Pick<Configuration, 'id' | 'title' | 'by' | 'note'> {
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
  if (section.endsWith('/latency')) return 'p50';
  if (section.endsWith('/rebalance')) return 'joinMs';
  return section.startsWith('pools/') ? 'clientMicros' : 'rate';
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

/** A figure by name: `rate`, `clientMicros`, `brokerMicros`, `p50` …, or an `extra`. */
export function figureOf(measured: Measured, name: string): Spread | undefined {
  if (name === 'rate') return rateOf(measured);
  const pick = (repetition: Repetition): number | undefined => {
    if (name === 'clientMicros' || name === 'brokerMicros') return repetition[name];
    const { latencyMs, extra } = repetition;
    return (latencyMs as Record<string, number> | undefined)?.[name] ?? extra?.[name];
  };
  return spreadOf(measured.repetitions.map(pick).filter((value) => value !== undefined));
}
