import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './child.js';
import type { HistoryWriter } from './history.js';
import type { InstanceOrders } from './instance/orders.js';
import { type LifeRecord, monotonicMs } from './records.js';
import type { Workbench } from './workbench.js';

/** An instance of the application under test. */
export interface Instance {
  readonly name: string;
  /** Its place at the broker: which proxy it comes through. */
  readonly slot: number;
  readonly child: Child;
  /** `frozen`: stopped or blocked; `leaving` and `killed`: it was told to end. */
  state: 'sound' | 'frozen' | 'leaving' | 'killed' | 'ended';
  readonly up: Promise<unknown>;
}

/** What a fleet needs. */
export interface FleetOptions {
  readonly bench: Workbench;
  readonly history: HistoryWriter;
  readonly slots: number;
  readonly orders: (name: string, slot: number) => InstanceOrders;
  readonly env?: NodeJS.ProcessEnv;
}

/** Longer than any shutdown deadline: a process that was told to end and does not is killed. */
const LEAVE_TIMEOUT_MS = 40_000;

/** The instances of a run: starts and ends them, and writes down what was done to them. */
export class Fleet {
  readonly all: Instance[] = [];
  readonly #asked = new Set<Instance>();
  #started = 0;

  constructor(private readonly options: FleetOptions) {}

  /** Those that run and to which nothing is being done, oldest first. */
  get sound(): readonly Instance[] {
    return this.all.filter(({ state }) => state === 'sound');
  }

  get alive(): readonly Instance[] {
    return this.all.filter(({ state }) => state !== 'ended');
  }

  /** @returns at once; `up` says when it consumes */
  start(env: NodeJS.ProcessEnv = {}): Instance {
    const name = `i${(this.#started += 1)}`;
    const taken = new Set(this.alive.map(({ slot }) => slot));
    const slot = Array.from({ length: this.options.slots }, (_, at) => at).find((at) => !taken.has(at));
    if (slot === undefined) throw new Error('no place for another instance');
    const { bench } = this.options;
    const child = new Child({
      script: bench.script('instance'),
      orders: this.options.orders(name, slot),
      log: join(bench.folder, 'logs', `${name}.log`),
      folder: join(bench.folder, 'own', name),
      env: { ...this.options.env, ...env },
    });
    const instance: Instance = { name, slot, child, state: 'sound', up: child.until('up') };
    instance.up.catch(() => undefined);
    child.onExit(() => this.#ended(instance));
    this.all.push(instance);
    return instance;
  }

  async kill(instance: Instance): Promise<void> {
    instance.state = 'killed';
    if (instance.child.signal('SIGKILL')) this.#life(instance, 'gone');
    await instance.child.ended();
  }

  /** SIGTERM; one that does not end by it counts as crashed. Resolves when it has ended. */
  async leave(instance: Instance): Promise<void> {
    instance.state = 'leaving';
    this.#life(instance, 'leaving');
    instance.child.signal('SIGTERM');
    const timer = setTimeout(() => {
      instance.state = 'sound';
      instance.child.signal('SIGKILL');
    }, LEAVE_TIMEOUT_MS);
    await instance.child.ended();
    clearTimeout(timer);
  }

  /** SIGSTOP for so long. Resolves when it goes on. */
  async stop(instance: Instance, ms: number): Promise<void> {
    instance.state = 'frozen';
    instance.child.signal('SIGSTOP');
    this.#life(instance, 'frozen');
    await sleep(ms);
    this.#life(instance, 'thawed');
    instance.child.signal('SIGCONT');
    if (instance.state === 'frozen') instance.state = 'sound';
  }

  /** Its event loop stands still for so long. */
  async block(instance: Instance, ms: number): Promise<void> {
    instance.state = 'frozen';
    instance.child.tell({ do: 'block', ms });
    await sleep(ms);
    if (instance.state === 'frozen') instance.state = 'sound';
  }

  /** Asks everybody what he holds, but those that have not answered the last time. */
  sample(collects: boolean): void {
    for (const instance of this.sound) {
      if (this.#asked.has(instance)) continue;
      this.#asked.add(instance);
      const answered = (): boolean => this.#asked.delete(instance);
      instance.child.until('sampled').then(answered, answered);
      instance.child.tell({ do: 'sample', collects });
    }
  }

  /** Ends all, those that are stopped too. */
  async killAll(): Promise<void> {
    await Promise.all(this.alive.map((instance) => this.kill(instance)));
  }

  #ended(instance: Instance): void {
    const { state } = instance;
    instance.state = 'ended';
    if (state !== 'killed') this.#life(instance, state === 'leaving' ? 'gone' : 'crashed');
  }

  #life({ name }: Instance, is: LifeRecord['is']): void {
    this.options.history.write({ kind: 'life', instance: name, is, atMs: monotonicMs() });
  }
}
