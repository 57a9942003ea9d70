import { SingleBar } from 'cli-progress';
import type { BrokerKind, Configuration, Repetition, Scale } from '../measure/configuration.js';
import { SUITES, type SuiteName } from '../process/registry.js';
import { backlogOf, fillBacklogs } from './backlog.js';
import { installPeer } from './install-peer.js';
import { bothBrokers, type Broker, kafkaBroker, natsBroker, NO_BROKER } from './brokers.js';
import type { Measured } from './results.js';
import { WorkerProcess } from './worker-process.js';

/** What is to be run. */
export interface Plan {
  readonly suites: readonly SuiteName[];
  /** Measured repetitions; one more warms up. */
  readonly repetitions: number;
  readonly scale: Scale;
  readonly isWanted: (configuration: Configuration) => boolean;
  /** Leaves a CPU profile of the last repetition here, by configuration. */
  readonly profileOf?: (id: string) => string;
}

const BOTH: readonly Start[] = [
  { kind: 'nats', start: () => natsBroker() },
  { kind: 'kafka', start: () => kafkaBroker() },
];

/** A suite's brokers, one after another; a configuration runs with the one it names, else with the suite's only one. */
const BROKERS: Readonly<Record<SuiteName, readonly Start[]>> = {
  nats: [{ start: () => natsBroker(), hasBacklog: true }],
  kafka: [{ start: () => kafkaBroker(), hasBacklog: true }],
  pools: [{ start: () => Promise.resolve(NO_BROKER) }],
  scenarios: BOTH,
  curves: BOTH,
  sweep: [{ start: () => bothBrokers() }],
};

interface Start {
  readonly kind?: BrokerKind;
  readonly start: () => Promise<Broker>;
  /** Whether its consumers read what is put there before. @default false */
  readonly hasBacklog?: boolean;
}

/** Runs suite after suite. Within one, every configuration has its turn before any has its next, so that ratios are of one time. */
export async function runPlan(plan: Plan): Promise<{ measured: Measured[]; brokers: string[] }> {
  const bySuite = await Promise.all(
    plan.suites.map(async (suite) => ({ suite, wanted: (await SUITES[suite]()).filter((one) => plan.isWanted(one)) })),
  );
  const needed = bySuite.flatMap(({ wanted }) => wanted.flatMap(({ needs }) => needs ?? []));
  for (const peer of new Set(needed)) installPeer(peer);
  const bar = new SingleBar({
    format: '{bar} {percentage} % | {what} | {value}/{total} | {eta_formatted} left',
    etaBuffer: 40,
    noTTYOutput: !process.stderr.isTTY,
    notTTYSchedule: 15_000,
    hideCursor: null,
  });
  bar.start(
    bySuite.reduce((sum, { wanted }) => sum + turnsOf(plan, wanted), 0),
    0,
    { what: 'starting' },
  );
  const measured: Measured[] = [];
  const brokers: string[] = [];
  try {
    for (const { suite, wanted } of bySuite) {
      for (const { kind, start, hasBacklog = false } of BROKERS[suite]) {
        const here = wanted.filter(({ on }) => on === kind);
        if (here.length === 0) continue;
        bar.update({ what: `${suite}: starting its broker` });
        const broker = await start();
        brokers.push(broker.name);
        try {
          if (hasBacklog) await fillBacklogs(broker.servers, plan.scale, here);
          measured.push(...(await new SuiteRun(plan, broker, here, bar).run()));
        } finally {
          await broker.release();
        }
      }
    }
  } finally {
    bar.stop();
  }
  return { measured, brokers: [...new Set(brokers)] };
}

/** Turns of all, with those that warm up. */
function turnsOf({ repetitions }: Plan, wanted: readonly Configuration[]): number {
  return wanted.reduce((sum, one) => sum + Math.min(one.repetitions ?? Infinity, repetitions + 1), 0);
}

/** The first round warms up, but for those that want few. */
function hasTurn({ repetitions }: Configuration, round: number): boolean {
  return repetitions === undefined || (round > 0 && round <= repetitions);
}

class SuiteRun {
  readonly #workers: Map<string, WorkerProcess>;
  readonly #repetitions = new Map<string, Repetition[]>();
  readonly #failures = new Map<string, string[]>();

  constructor(
    private readonly plan: Plan,
    private readonly broker: Broker,
    private readonly configurations: readonly Configuration[],
    private readonly bar: SingleBar,
  ) {
    this.#workers = new Map(configurations.map(({ id }) => [id, new WorkerProcess(id)]));
  }

  async run(): Promise<Measured[]> {
    try {
      for (let round = 0; round <= this.plan.repetitions; round++)
        for (const configuration of this.configurations)
          if (hasTurn(configuration, round)) await this.#turn(configuration, round);
    } finally {
      await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    }
    return this.configurations.map(({ id, title, by, note, axis, line }) => {
      const failures = this.#failures.get(id) ?? [];
      return {
        id,
        title,
        by,
        ...(note === undefined ? {} : { note }),
        ...(axis === undefined ? {} : { axis }),
        ...(line === undefined ? {} : { line }),
        repetitions: this.#repetitions.get(id) ?? [],
        faults: by === 'peer' ? [] : failures,
        findings: by === 'peer' ? failures : [],
      };
    });
  }

  /** The first round warms up, and its oracle counts all the same. */
  async #turn({ id, backlog }: Configuration, round: number): Promise<void> {
    this.bar.update({ what: round === 0 ? `${id} warms up` : `${id} ${round}/${this.plan.repetitions}` });
    const setting = {
      servers: this.broker.servers,
      ...backlogOf(this.plan.scale, backlog),
      id: `${id.replaceAll('/', '-')}-${round}-${Date.now().toString(36)}`,
    };
    const profile = round === this.plan.repetitions ? this.plan.profileOf?.(id) : undefined;
    try {
      const repetition = await this.#workers.get(id)!.repetition(setting, profile);
      if (round > 0) push(this.#repetitions, id, repetition);
      for (const fault of repetition.faults) push(this.#failures, id, `repetition ${round}: ${fault}`);
    } catch (error) {
      push(this.#failures, id, `repetition ${round}: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.bar.increment();
  }
}

function push<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [item]);
  else list.push(item);
}
