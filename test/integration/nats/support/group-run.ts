import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsTransportOptions } from '../../../../lib/transports/nats/index.js';
import { startNats } from '../../../support/brokers.js';
import { eventually } from '../../../support/eventually.js';
import { BrokerView } from './broker-view.js';
import { Child } from './child.js';
import { countsOf } from './fault-runs.js';
import type { ChildReport } from './handling-child.js';
import { Harness } from './harness.js';
import { Load } from './load.js';
import { judge, type Verdict } from './oracle.js';
import { random, spread } from './random.js';
import { type After, type Fault, SharesWatch } from './shares-watch.js';

type Spread = ReturnType<typeof spread>;

export interface GroupRun extends Verdict {
  readonly version: string;
  readonly seed: number;
  readonly published: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Share of the moments at which every consumer was owned and shares were within one. */
  readonly evenShare: number;
  /** Milliseconds until so, by what had happened. */
  readonly convergenceMs: Readonly<Record<string, Spread>>;
  /** For how long a consumer had no living owner, in milliseconds: one that was killed counts as living until its membership has run out. */
  readonly unownedMs: Spread;
  /** The single values. */
  readonly convergences: readonly After[];
  readonly unownedSpans: readonly After[];
  readonly takeOvers: readonly number[];
  /** Take-overs that brought something. */
  readonly takeOverMs: Spread;
  readonly redelivered: Spread;
  readonly counts: Readonly<Record<string, number>>;
  /** Shares at the end, of those that live. */
  readonly shares: readonly number[];
}

export interface GroupOptions {
  readonly version: string;
  readonly folder: string;
  readonly seed: number;
  readonly seconds: number;
  /** @default joins, leaves, kills and one stop */
  readonly kinds?: readonly Fault[];
  readonly perSecond?: number;
  /** Milliseconds between two faults, at least; twice that at most. @default 2500 */
  readonly everyMs?: number;
  readonly transport?: Partial<NatsTransportOptions>;
  /** A control: see `ChildOrders`. @default false */
  readonly ignoresLease?: boolean;
}

const PARTITIONS = 8;
const TTL_MS = 3_000;

/** Instances of a group join, leave, are killed and one is stopped for longer than its membership lasts, under load of 200 keys. */
export async function groupRun(options: GroupOptions): Promise<GroupRun> {
  const run = await Run.prepare(options);
  try {
    await run.begin();
    return await run.finish(await run.disturb());
  } catch (error) {
    throw new Error(`${String(error)}; ${await run.state()}`, { cause: error });
  } finally {
    await run.end();
  }
}

class Run {
  readonly #rand: () => number;
  readonly #living = new Map<string, Child>();
  readonly #frozen = new Set<string>();
  readonly #reports: ChildReport[] = [];
  readonly #faults: Record<string, number> = {};
  #made = 0;
  #load: Load | undefined;

  private constructor(
    private readonly options: GroupOptions,
    private readonly parts: {
      readonly server: Awaited<ReturnType<typeof startNats>>;
      readonly view: BrokerView;
      readonly publisher: Harness;
      readonly transport: NatsTransportOptions;
      readonly file: string;
      readonly watch: SharesWatch;
    },
  ) {
    this.#rand = random(options.seed);
  }

  static async prepare(options: GroupOptions): Promise<Run> {
    const server = await startNats({ version: options.version });
    const transport: NatsTransportOptions = {
      connection: { servers: server.url, reconnectDelayMs: 20 },
      streams: [{ name: 'ORDERS', subjects: ['orders.>'], partitions: PARTITIONS }],
      ackWaitMs: 2_000,
      memberTtlMs: TTL_MS,
      pullExpiryMs: 1_000,
      ...options.transport,
    };
    const file = join(options.folder, `group-${options.version}-${options.seed}.log`);
    writeFileSync(file, '');
    const publisher = await Harness.start({ transport });
    const view = await BrokerView.open(server.url);
    const watch = new SharesWatch(view, 'billing', PARTITIONS + 1);
    return new Run(options, { server, view, publisher, transport, file, watch });
  }

  /** Resolves when three instances share the consumers. */
  async begin(): Promise<void> {
    for (let i = 0; i < 3; i++) this.#join();
    await eventually(() => this.parts.watch.expectEven(), { timeoutMs: 60_000 });
  }

  /** What each instance that lives says, when something has gone wrong. */
  async state(): Promise<string> {
    const said = [...this.#living.values()].map(async (child) => {
      const report = await Promise.race([child.report(), sleep(2_000)]);
      return `${child.name}: ${JSON.stringify(report?.details['claims'] ?? 'silent')} ${report?.log.at(-1)?.message}`;
    });
    return (await Promise.all(said)).join('; ');
  }

  /** Resolves with what was published. */
  async disturb(): Promise<ReadonlyMap<string, number>> {
    const { seconds, perSecond = 1_000, everyMs = 2_500, kinds = ['join', 'leave', 'kill', 'stop'] } = this.options;
    const { watch, publisher } = this.parts;
    const load = (this.#load = new Load(publisher, { topic: 'orders.placed', keys: 200, perSecond }));
    watch.start();
    await sleep(1_000);
    const begin = performance.now();
    let isStopDone = !kinds.includes('stop');
    while (performance.now() - begin < seconds * 1_000) {
      const isHalf = performance.now() - begin > seconds * 300;
      const kind = !isStopDone && isHalf ? 'stop' : this.#next(kinds);
      isStopDone ||= kind === 'stop';
      await this.#do(kind);
      await sleep(everyMs * (1 + this.#rand()));
    }
    await eventually(() => expectNone(this.#frozen), { timeoutMs: 20_000 });
    await eventually(() => watch.expectEven(), { timeoutMs: 40_000 });
    return load.stop();
  }

  async finish(published: ReadonlyMap<string, number>): Promise<GroupRun> {
    const { view, watch, file } = this.parts;
    await eventually(async () => expectAllSettled(view), { timeoutMs: 60_000 });
    watch.stop();
    const shares = await watch.shares();
    for (const child of this.#living.values()) this.#reports.push(await child.close());
    const took = this.#reports.flatMap(({ log }) => log.filter(({ message }) => message.startsWith('NATS: took over')));
    const verdict = judge(file, published);
    if (verdict.orderViolations + verdict.overlaps + verdict.lost === 0) rmSync(file);
    return {
      version: this.options.version,
      seed: this.options.seed,
      published: [...published.values()].reduce((sum, n) => sum + n, 0),
      faults: this.#faults,
      ...verdict,
      ...watch.report(),
      takeOvers: took.map(({ fields }) => Number(fields?.['durationMs'])),
      takeOverMs: spread(took.map(({ fields }) => Number(fields?.['durationMs']))),
      redelivered: spread(took.map(({ fields }) => Number(fields?.['redelivered']))),
      counts: this.#counts(),
      shares,
    };
  }

  async end(): Promise<void> {
    const { publisher, view, server, watch } = this.parts;
    watch.stop();
    this.#load?.abandon();
    for (const child of this.#living.values()) {
      child.continue();
      await child.kill();
    }
    await Promise.all([publisher.close(), view.close()]);
    await server.remove();
  }

  #next(kinds: readonly Fault[]): Fault | undefined {
    const free = this.#free().length;
    const dice = this.#rand();
    const kind =
      free <= 2
        ? 'join'
        : free >= 4
          ? dice < 0.5
            ? 'leave'
            : 'kill'
          : dice < 0.3
            ? 'join'
            : dice < 0.6
              ? 'leave'
              : 'kill';
    if (kinds.includes(kind)) return kind;
    return free < 3 ? 'join' : undefined;
  }

  async #do(kind: Fault | undefined): Promise<void> {
    const free = this.#free();
    const child = free[Math.floor(this.#rand() * free.length)];
    if (kind === undefined) return;
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
    this.parts.watch.happened(kind, child?.name);
    if (kind === 'join') this.#join();
    else if (child === undefined) return;
    else if (kind === 'stop') this.#freeze(child);
    else {
      this.#living.delete(child.name);
      if (kind === 'kill') await child.kill();
      else void child.close().then((report) => this.#reports.push(report));
    }
  }

  #join(): void {
    const { transport, file } = this.parts;
    const name = `i${++this.#made}`;
    const child = Child.spawn({
      name,
      file,
      group: 'billing',
      patterns: ['orders.>'],
      transport,
      longestHandlerMs: 20,
      ignoresLease: this.options.ignoresLease === true,
    });
    this.#living.set(name, child);
    this.#show();
  }

  #freeze(child: Child): void {
    this.#frozen.add(child.name);
    child.stop();
    setTimeout(() => {
      child.continue();
      this.#frozen.delete(child.name);
      this.parts.watch.happened('continue', undefined);
      this.#show();
    }, TTL_MS + 2_000);
  }

  #free(): Child[] {
    this.#show();
    return [...this.#living.values()].filter(({ name }) => !this.#frozen.has(name));
  }

  /** How many there should be. */
  #show(): void {
    this.parts.watch.expected = () => this.#living.size - this.#frozen.size;
  }

  #counts(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { details, log } of this.#reports) {
      for (const [name, value] of Object.entries(countsOf(details))) sums[name] = (sums[name] ?? 0) + value;
      for (const { message } of log)
        for (const what of ['is ours', 'gave up', 'NATS: lost', 'deaf'])
          if (message.includes(what)) sums[what] = (sums[what] ?? 0) + 1;
    }
    return sums;
  }
}

function expectNone(frozen: ReadonlySet<string>): void {
  if (frozen.size > 0) throw new Error('still stopped');
}

async function expectAllSettled(view: BrokerView): Promise<void> {
  let left = 0;
  for (const durable of ['billing', ...Array.from({ length: PARTITIONS }, (_, n) => `billing@${n}`)]) {
    const [pending, unsettled] = await view.left('ORDERS', durable);
    left += pending + unsettled;
  }
  if (left > 0) throw new Error(`${left} are left`);
}
