import type { SampleRecord } from './records.js';

/** What is to stay flat. */
export const MEASURES = ['heapBytes', 'handles', 'timers', 'listeners'] as const;
export type Measure = (typeof MEASURES)[number];

/** How one measure of one process moved: the least of its first third and of its last, so that work in progress does not count. */
export interface Course {
  readonly instance: string;
  readonly measure: Measure;
  readonly samples: number;
  readonly early: number;
  readonly late: number;
  /** What the late one may be. */
  readonly most: number;
}

/** What of a growth is noise: a share of the early value, and an amount. */
const SLACK: Readonly<Record<Measure, { readonly share: number; readonly amount: number }>> = {
  heapBytes: { share: 0.1, amount: 3_145_728 },
  handles: { share: 0, amount: 3 },
  timers: { share: 0, amount: 8 },
  listeners: { share: 0, amount: 16 },
};
/** Fewer say nothing. */
const LEAST_SAMPLES = 9;
/** Of the samples, in the beginning: what a process grows to before it is itself. */
const WARM_UP_SHARE = 0.25;

/** The courses of every process that was sampled often enough, by process and measure. */
export function coursesOf(samples: readonly SampleRecord[]): Course[] {
  const byInstance = new Map<string, SampleRecord[]>();
  for (const sample of samples) {
    byInstance.set(sample.instance, [...(byInstance.get(sample.instance) ?? []), sample]);
  }
  return [...byInstance].flatMap(([instance, all]) => {
    if (all.length < LEAST_SAMPLES) return [];
    const warm = all.slice(Math.floor(all.length * WARM_UP_SHARE));
    return MEASURES.map((measure) => courseOf(instance, measure, warm));
  });
}

export function isFlat({ late, most }: Course): boolean {
  return late <= most;
}

function courseOf(instance: string, measure: Measure, samples: readonly SampleRecord[]): Course {
  const third = Math.ceil(samples.length / 3);
  const least = (some: readonly SampleRecord[]): number => Math.min(...some.map((sample) => sample[measure]));
  const early = least(samples.slice(0, third));
  const { share, amount } = SLACK[measure];
  return {
    instance,
    measure,
    samples: samples.length,
    early,
    late: least(samples.slice(-third)),
    most: early * (1 + share) + amount,
  };
}
