import { between, type Random, seeded, seedOf, shuffled } from './random.js';

/** What can be done to the instances, … */
export const PROCESS_FAULTS = ['kill', 'stop', 'block', 'join', 'leave'] as const;
/** … to the broker, … */
export const BROKER_FAULTS = ['broker-kill', 'broker-restart', 'broker-pause'] as const;
/** … and to the network between them, once … */
export const MOMENTARY_FAULTS = ['cut', 'reset', 'half-open'] as const;
/** … or for a while. */
export const LASTING_FAULTS = ['blackhole', 'lose', 'hold', 'delay', 'slow'] as const;

export const FAULTS = [...PROCESS_FAULTS, ...BROKER_FAULTS, ...MOMENTARY_FAULTS, ...LASTING_FAULTS] as const;
export type Fault = (typeof FAULTS)[number];

/** One fault of a schedule. */
export interface PlannedFault {
  readonly fault: Fault;
  /** From the begin of the load. */
  readonly atMs: number;
  /** How long it lasts, or until who was killed is replaced. */
  readonly lengthMs: number;
  /** From 0 to below 1: which of those that are there at the time. */
  readonly pick: number;
  /** Whether everybody's network suffers, the publisher's included, or only that of one instance. */
  readonly scope: 'one' | 'all';
  /** Whether it waits until handlers run, so that it hits a group at work; what comes after it is put off as well. */
  readonly waits: boolean;
}

/** What a schedule is made from; the same gives the same. */
export interface ScheduleOptions {
  readonly seed: number;
  readonly lengthMs: number;
  readonly faults: readonly Fault[];
  /** After which an instance that is silent has lost what it owned. */
  readonly leaseMs: number;
  /** Least and most time between the begins of two faults. @default 3 to 6 s */
  readonly everyMs?: readonly [least: number, most: number];
}

const EVERY_MS = [3_000, 6_000] as const;
const FIRST_AT_MS = 2_000;

/** Deals the faults like cards: each once, in another order each round, so that all strike about as often. */
export function schedule({ seed, lengthMs, faults, leaseMs, everyMs = EVERY_MS }: ScheduleOptions): PlannedFault[] {
  const random = seeded(seedOf(seed, 'schedule'));
  const planned: PlannedFault[] = [];
  let deck: Fault[] = [];
  for (let atMs = FIRST_AT_MS; atMs < lengthMs;) {
    if (deck.length === 0) deck = shuffled(random, faults);
    const fault = deck.pop();
    if (fault === undefined) return planned;
    const one: PlannedFault = {
      fault,
      atMs: Math.round(atMs),
      lengthMs: Math.round(lengthOf(fault, leaseMs, random)),
      pick: random(),
      scope: random() < 0.3 ? 'all' : 'one',
      waits: random() < 0.75,
    };
    planned.push(one);
    atMs += between(random, ...everyMs);
  }
  return planned;
}

/** Stops and blocks are to outlast the lease more often than not. */
function lengthOf(fault: Fault, leaseMs: number, random: Random): number {
  switch (fault) {
    case 'stop':
    case 'block':
      return between(random, 0.7, 1.6) * leaseMs;
    case 'blackhole':
    case 'lose':
    case 'hold':
      return between(random, 0.2, 1.6) * leaseMs;
    case 'delay':
    case 'slow':
      return between(random, 2_000, 6_000);
    case 'broker-pause':
      return between(random, 0.1, 0.8) * leaseMs;
    default:
      return between(random, 100, 2_500);
  }
}

/** A line of the printed schedule. */
export function lineOfFault({ fault, atMs, lengthMs, pick, scope, waits }: PlannedFault): string {
  const where = (LASTING_FAULTS as readonly string[]).concat(MOMENTARY_FAULTS).includes(fault) ? ` of ${scope}` : '';
  return `${(atMs / 1_000).toFixed(1).padStart(7)} s  ${fault}${where}, ${(lengthMs / 1_000).toFixed(1)} s, pick ${pick.toFixed(3)}${waits ? ', waits for work' : ''}`;
}
