import type { PeerPackage } from '../peers/package.js';

/** How large the events are that wait for consumers. */
export type BacklogSize = '100 B' | '1 KiB';

/** Where the brokers of this run are. */
export interface Servers {
  readonly nats: string | undefined;
  readonly kafka: readonly string[] | undefined;
  /** The broker's process, where it runs on this machine and is ours. */
  readonly brokerPid: number | undefined;
}

/** How much is measured: everything, or what fits into a few minutes. */
export interface Scale {
  /** How long publishers send at least, in milliseconds. */
  readonly publishMs: number;
  /** How many events pipelined publishers send at least. */
  readonly publishEvents: number;
  /** Events that wait for consumers. */
  readonly backlog: number;
  /** Events for handlers that take 10 ms. */
  readonly slowEvents: number;
  /** Events that go from one process to another. */
  readonly pairEvents: number;
  /** How long the latency at 1,000 events a second is measured, in milliseconds. */
  readonly latencyMs: number;
}

export const FULL: Scale = {
  publishMs: 800,
  publishEvents: 80_000,
  backlog: 150_000,
  slowEvents: 40_000,
  pairEvents: 100_000,
  latencyMs: 4_000,
};
export const QUICK: Scale = {
  publishMs: 500,
  publishEvents: 40_000,
  backlog: 80_000,
  slowEvents: 20_000,
  pairEvents: 50_000,
  latencyMs: 2_000,
};

/** What one repetition is given. */
export interface Setting {
  readonly servers: Servers;
  readonly scale: Scale;
  /** Unique in the run: safe in names of topics, groups and streams. */
  readonly id: string;
  /** What a suite has prepared for its consumers: a topic that holds `scale.backlog` events. */
  readonly backlog: string;
}

/** Percentiles of a latency, in milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p90?: number;
  readonly p99: number;
  readonly p999?: number;
  readonly max?: number;
}

/** One point of a curve. */
export interface Point extends Pick<
  Repetition,
  'events' | 'seconds' | 'clientMicros' | 'brokerMicros' | 'latencyMs' | 'extra'
> {
  /** Where it is: a number of workers, of messages, a factor of growth. */
  readonly x: number;
}

/** The memory of a process at one moment. */
export interface MemorySample {
  readonly seconds: number;
  readonly rssMiB: number;
  readonly heapMiB: number;
  readonly handled: number;
}

/** What one repetition has found. Its oracle has looked at every event: with a fault, its figures do not count. */
export interface Repetition {
  readonly events: number;
  readonly seconds: number;
  /** CPU of this process (and of its other half, in a pair), and of the broker, in microseconds an event. */
  readonly clientMicros: number | undefined;
  readonly brokerMicros: number | undefined;
  readonly latencyMs?: Latency;
  /** What else is measured, by name: `meanHandlerMs`, `closeMs`. */
  readonly extra?: Readonly<Record<string, number>>;
  /** What a curve has found at each of its points; its own figures are then the sums. */
  readonly points?: readonly Point[];
  /** Memory, once a second. */
  readonly samples?: readonly MemorySample[];
  readonly faults: readonly string[];
}

/** Who is measured; `reference`: figures of another machine or time, from a file. */
export type By = 'raw' | 'ours' | 'peer' | 'reference';

export type BrokerKind = 'nats' | 'kafka' | 'newest-nats';

/** One thing that is measured, in a process of its own. */
export interface Configuration {
  /** `nats/publish/ours-many`: suite, what is compared, who. */
  readonly id: string;
  readonly title: string;
  readonly by: By;
  /** The broker that it needs, in a suite that has several, one after another. */
  readonly on?: BrokerKind;
  /** What the x of its points is: `workers`. */
  readonly axis?: string;
  /** The line that its points are on, where several configurations make one. @default its title */
  readonly line?: string;
  /** Whether it is part of `--quick`. */
  readonly quick?: boolean;
  /** How large the events are that wait for it. @default '100 B' */
  readonly backlog?: BacklogSize;
  /** The package in bench/peers that must be installed for it. */
  readonly needs?: PeerPackage;
  /** Repetitions that count, where fewer than the run's are enough, without one to warm up. */
  readonly repetitions?: number;
  /** What its figure does not promise. */
  readonly note?: string;
  run(setting: Setting): Promise<Repetition>;
}
