import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosBroker, RunNames } from './broker/broker.js';
import { INSTANCE_SLOTS } from './broker/broker.js';
import { Child } from './child.js';
import { Fleet } from './fleet.js';
import { HistoryReader, HistoryWriter } from './history.js';
import { type Field, inflict } from './inflict.js';
import type { HandlerLoad, InstanceOrders, PublisherOrders } from './instance/orders.js';
import { Oracle } from './oracle/oracle.js';
import type { Verdict } from './oracle/verdict.js';
import type { HistoryRecord, SampleRecord } from './records.js';
import type { PlannedFault } from './schedule.js';
import { type LibrarySource, Workbench } from './workbench.js';

/** What a run is to be. */
export interface RunOptions {
  readonly seed: number;
  /** How long events are published. */
  readonly lengthMs: number;
  readonly schedule: readonly PlannedFault[];
  /** Opens the broker for the names of this run; closed with the run. */
  readonly broker: (names: RunNames) => Promise<ChaosBroker>;
  /** @default built from the sources */
  readonly library?: LibrarySource;
  /** @default 3 */
  readonly instances?: number;
  /** Fewer are filled up. @default 2 */
  readonly leastInstances?: number;
  /** @default 5 */
  readonly mostInstances?: number;
  /** @default 200 */
  readonly keys?: number;
  /** @default 600 */
  readonly perSecond?: number;
  /** @default DEFAULT_LOAD */
  readonly load?: Partial<HandlerLoad>;
  /** @default 25 s, as the library's */
  readonly shutdownTimeoutMs?: number;
  /** @default 10 s, as the library's */
  readonly rebalanceDrainMs?: number;
  /** For every instance. @default {} */
  readonly env?: NodeJS.ProcessEnv;
  readonly leaks?: boolean;
  /** Names of instances that no fault is for. @default none */
  readonly spared?: readonly string[];
  /** Instances are asked what they hold so often. @default never */
  readonly sampleEveryMs?: number;
  /** Whether they collect garbage before they answer: what they hold then is what they keep. @default true */
  readonly samplesCollect?: boolean;
  /** Without progress for so long, at the end, the run is given up as stalled. @default 60 s */
  readonly quietMs?: number;
  /** A source without progress for longer has stalled. @default 60 s */
  readonly stalledAfterMs?: number;
  /** Whether the result has the whole history, which a long run has no room for. @default true */
  readonly keepsRecords?: boolean;
  readonly onProgress?: (progress: Progress) => void;
  /** What a test does in the middle of it, instead of faults or beside them. */
  readonly meanwhile?: (run: RunningChaos) => Promise<void>;
}

/** How far a run is. */
export interface Progress {
  readonly phase: 'starting' | 'load' | 'settling' | 'judging';
  readonly atMs: number;
  readonly confirmed: number;
  readonly handled: number;
  readonly instances: number;
  readonly running: number;
  /** The faults that last at the moment. */
  readonly faults: readonly string[];
}

/** What a run came to. */
export interface RunResult {
  readonly verdict: Verdict;
  /** The history, unless it was not to be kept. */
  readonly records: readonly HistoryRecord[];
  readonly samples: readonly SampleRecord[];
  /** What each process has printed. */
  readonly logs: ReadonlyMap<string, string>;
}

/** A run in its middle, for tests that steer it. */
export interface RunningChaos extends Field {
  readonly oracle: Oracle;
  /** Everything written so far has been read. */
  catchUp(): void;
}

/** 0 to 20 ms, and 1 in 200 up to 1.5 s: without slow ones even a naive consumer looks right. */
export const DEFAULT_LOAD: HandlerLoad = {
  quickMs: 20,
  slowShare: 0.005,
  slowMs: [500, 1_500],
  failShare: 0.003,
  refuseShare: 0.000_5,
};

const LOOK_EVERY_MS = 250;
const READ_EVERY_MS = 100;
const SETTLE_POLL_MS = 100;
/** What a fault that waits for work waits for, and how long at most. */
const BUSY_HANDLERS = 3;
const LONGEST_WAIT_MS = 25_000;

/** Runs instances of an application under load and faults, and judges what became of the events. */
export async function runChaos(options: RunOptions): Promise<RunResult> {
  const run = new ChaosRun(options, new Workbench(options.library));
  try {
    return await run.run();
  } finally {
    await run.close();
  }
}

class ChaosRun {
  readonly #history: HistoryWriter;
  readonly #reader: HistoryReader;
  readonly #oracle = new Oracle();
  readonly #records: HistoryRecord[] = [];
  readonly #samples: SampleRecord[] = [];
  readonly #names: RunNames;
  readonly #lasting = new Set<string>();
  readonly #started = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];
  #broker: ChaosBroker | undefined;
  #fleet: Fleet | undefined;
  #publisher: Child | undefined;
  #phase: Progress['phase'] = 'starting';
  #looking: Promise<void> | undefined;

  constructor(
    private readonly options: RunOptions,
    private readonly bench: Workbench,
  ) {
    this.#history = new HistoryWriter(bench.history);
    this.#reader = new HistoryReader(bench.history);
    const id = randomBytes(4).toString('hex');
    this.#names = { topic: `chaos.orders-${id}`, group: `chaos-${id}`, stream: `CHAOS_${id.toUpperCase()}` };
  }

  async run(): Promise<RunResult> {
    const broker = (this.#broker = await this.options.broker(this.#names));
    const fleet = (this.#fleet = this.#newFleet(broker));
    await this.#start(broker, fleet);
    this.#phase = 'load';
    await this.#underFaults({ ...this.#field(broker, fleet) });
    this.#phase = 'settling';
    await this.#settle(broker, fleet);
    this.#phase = 'judging';
    return this.#judge(broker, fleet);
  }

  /** Idempotent; leaves nothing behind, whatever has happened. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#looking;
    await this.#fleet?.killAll();
    this.#publisher?.signal('SIGKILL');
    await this.#publisher?.ended();
    await this.#broker?.close();
    this.#history.close();
    this.#reader.close();
    this.bench.remove();
  }

  async #start(broker: ChaosBroker, fleet: Fleet): Promise<void> {
    this.#every(READ_EVERY_MS, () => this.#read());
    this.#every(LOOK_EVERY_MS, () => this.#look(broker));
    const first = Array.from({ length: this.options.instances ?? 3 }, () => fleet.start());
    await Promise.all(first.map(({ up }) => up));
    const { bench } = this;
    this.#publisher = new Child({
      script: bench.script('publisher'),
      orders: this.#publisherOrders(broker),
      log: join(bench.folder, 'logs', 'publisher.log'),
      folder: join(bench.folder, 'own', 'publisher'),
    });
    await this.#publisher.until('up');
    const { sampleEveryMs, samplesCollect: collects = true } = this.options;
    if (sampleEveryMs !== undefined) {
      this.#every(sampleEveryMs, () => fleet.sample(collects));
    }
  }

  /** Faults overlap when they last; what acts on the broker has it for itself. */
  async #underFaults(field: RunningChaos): Promise<void> {
    const start = performance.now();
    const untilMs = (atMs: number): Promise<void> => sleep(Math.max(0, start + atMs - performance.now()));
    const going: Promise<void>[] = [];
    const meanwhile = this.options.meanwhile?.(field);
    let putOffMs = 0;
    for (const planned of this.options.schedule) {
      if (planned.atMs + putOffMs > this.options.lengthMs) break;
      await untilMs(planned.atMs + putOffMs);
      if (planned.waits) await this.#untilBusy();
      putOffMs = Math.max(putOffMs, performance.now() - start - planned.atMs);
      const over = this.#inflict(planned, field);
      going.push(over);
      if (planned.fault.startsWith('broker')) await over;
    }
    await untilMs(this.options.lengthMs);
    await meanwhile;
    await Promise.all(going);
  }

  /** Not for ever: a group that never recovers is to be seen, not waited for. */
  async #untilBusy(): Promise<void> {
    for (const end = performance.now() + LONGEST_WAIT_MS; performance.now() < end; await sleep(READ_EVERY_MS)) {
      this.#read();
      if (this.#oracle.order.running() >= BUSY_HANDLERS) return;
    }
  }

  async #inflict(planned: PlannedFault, field: Field): Promise<void> {
    const name = `${planned.fault}@${Math.round(planned.atMs / 1_000)}`;
    this.#lasting.add(name);
    try {
      await inflict(planned, field);
    } finally {
      this.#lasting.delete(name);
    }
  }

  /** Nothing is published or broken any more: everything has to come to its end. */
  async #settle(broker: ChaosBroker, fleet: Fleet): Promise<void> {
    const publisher = this.#publisher;
    publisher?.tell({ do: 'close' });
    while (fleet.sound.length < (this.options.leastInstances ?? 2)) await fleet.start().up;
    await publisher?.ended();
    const { quietMs = 60_000 } = this.options;
    let [last, since] = [-1, performance.now()];
    while (performance.now() - since < quietMs) {
      this.#read();
      const { ends } = this.#oracle.deliveries;
      if (ends !== last) [last, since] = [ends, performance.now()];
      if (this.#oracle.order.running() === 0 && (await unsettled(broker)) === 0) return;
      await sleep(SETTLE_POLL_MS);
    }
  }

  async #judge(broker: ChaosBroker, fleet: Fleet): Promise<RunResult> {
    const view = await broker.finalView();
    await Promise.all(fleet.alive.map((instance) => fleet.leave(instance)));
    this.#read();
    const { stalledAfterMs = 60_000 } = this.options;
    const { duplicatesPerCause } = broker.lease;
    const verdict = this.#oracle.verdict(view, { duplicatesPerCause, stalledAfterMs });
    const logs = new Map(fleet.all.map(({ name, child }) => [name, child.log()]));
    if (this.#publisher !== undefined) logs.set('publisher', this.#publisher.log());
    return { verdict, records: this.#records, samples: this.#samples, logs };
  }

  #field(broker: ChaosBroker, fleet: Fleet): RunningChaos {
    return {
      fleet,
      broker,
      history: this.#history,
      oracle: this.#oracle,
      leastInstances: this.options.leastInstances ?? 2,
      mostInstances: this.options.mostInstances ?? 5,
      spared: this.options.spared ?? [],
      running: ({ name }) => this.#oracle.order.running(name),
      catchUp: () => this.#read(),
    };
  }

  #newFleet(broker: ChaosBroker): Fleet {
    const { bench, options } = this;
    const env = options.env === undefined ? {} : { env: options.env };
    const orders = (name: string, slot: number): InstanceOrders => this.#instanceOrders(broker, name, slot);
    return new Fleet({ bench, history: this.#history, slots: INSTANCE_SLOTS, orders, ...env });
  }

  #instanceOrders(broker: ChaosBroker, name: string, slot: number): InstanceOrders {
    const { load, shutdownTimeoutMs = 25_000, rebalanceDrainMs = 10_000, leaks = false } = this.options;
    return {
      ...this.#processOrders(name),
      broker: broker.orders(slot),
      group: this.#names.group,
      load: { ...DEFAULT_LOAD, ...load },
      shutdownTimeoutMs,
      rebalanceDrainMs,
      leaks,
    };
  }

  #publisherOrders(broker: ChaosBroker): PublisherOrders {
    const { keys = 200, perSecond = 600 } = this.options;
    return { ...this.#processOrders('publisher'), broker: broker.publisherOrders(), keys, perSecond };
  }

  #processOrders(name: string): Omit<PublisherOrders, 'broker' | 'keys' | 'perSecond'> {
    const { history, library } = this.bench;
    return { name, history, library, topic: this.#names.topic, seed: this.options.seed };
  }

  #read(): void {
    this.#reader.read((record) => {
      this.#oracle.take(record);
      if (record.kind === 'sample') this.#samples.push(record);
      if (this.options.keepsRecords !== false) this.#records.push(record);
    });
    this.options.onProgress?.({
      phase: this.#phase,
      atMs: performance.now() - this.#started,
      confirmed: this.#oracle.confirmed,
      handled: this.#oracle.handled,
      instances: this.#fleet?.alive.length ?? 0,
      running: this.#oracle.order.running(),
      faults: [...this.#lasting],
    });
  }

  /** One look at a time; none while the broker is away. */
  #look(broker: ChaosBroker): void {
    this.#looking ??= broker
      .look()
      .then(
        (looks) => this.#history.write(...looks),
        () => undefined,
      )
      .finally(() => (this.#looking = undefined));
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, ms));
  }
}

async function unsettled(broker: ChaosBroker): Promise<number> {
  try {
    return await broker.unsettled();
  } catch {
    return Infinity;
  }
}
