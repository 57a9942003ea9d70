import { randomBytes } from 'node:crypto';
import { eventually } from '../eventually.js';
import { EventRecorder } from '../event-recorder.js';
import { ContractApp, type ContractAppOptions } from './contract-app.js';
import { Gate } from './gate.js';
import { PortProbe, type PortProbeOptions } from './port-probe.js';
import type { ContractCapabilities, ContractEnvironment, ContractExpect } from './subject.js';

/** What the suite publishes: which key it has, and its number among the events of that key. */
export interface Numbered {
  readonly key: string;
  readonly n: number;
}

/** What a test of the suite works with. Everything made by it is closed when the test ends. */
export class ContractTools {
  readonly recorder = new EventRecorder();
  readonly #open: (() => Promise<void>)[] = [];
  readonly #gates: Gate[] = [];

  constructor(
    readonly env: ContractEnvironment,
    readonly expect: ContractExpect,
    readonly capabilities: ContractCapabilities,
    private readonly patienceMs: number,
  ) {}

  /** A group nobody else uses. */
  group(): string {
    return `g${randomBytes(6).toString('hex')}`;
  }

  /** An instance of an application. */
  async app(options: ContractAppOptions): Promise<ContractApp> {
    const app = await ContractApp.start(this.env.transport(), options);
    this.#open.push(() => app.close());
    return app;
  }

  /** An instance that only publishes. */
  publisher(): Promise<ContractApp> {
    return this.app({ group: this.group(), consume: false });
  }

  /** A bare transport. @param fetchBytes as the environment takes it */
  probe(options?: PortProbeOptions, fetchBytes?: number): PortProbe {
    const probe = new PortProbe(this.env.transport(fetchBytes === undefined ? {} : { fetchBytes }), options);
    this.#open.push(() => probe.close());
    return probe;
  }

  /** Opened when the test ends, so that no handler outlives it. */
  gate(): Gate {
    const gate = new Gate();
    this.#gates.push(gate);
    return gate;
  }

  /** Publishes `count` events of each key, the keys taking turns, and records how each ended. Numbers go on from `from`. */
  async publishNumbered(
    app: ContractApp,
    topic: string,
    keys: readonly string[],
    count: number,
    from = 1,
  ): Promise<void> {
    const ends: Promise<void>[] = [];
    for (let n = from; n < from + count; n += 1) {
      for (const key of keys) ends.push(this.#publishOne(app, topic, { key, n }));
    }
    await Promise.all(ends);
  }

  /** A handler of numbered events that records its runs. */
  recorded(topic: string, work: (event: Numbered, attempt: number) => unknown = () => undefined, instance = '') {
    return (
      data: unknown,
      { attempt, group }: { readonly attempt: number; readonly group: string },
    ): Promise<unknown> => {
      const event = numbered(data);
      const identity = { topic, key: event.key, sequence: event.n, attempt, group, instance };
      return this.recorder.run(identity, () => work(event, attempt));
    };
  }

  /** Waits until so many events have been handled to the end, whether twice or once. */
  async handled(count: number, patience = 1.5): Promise<void> {
    await this.eventually(() => this.expect(this.recorder.completions).toBeGreaterThanOrEqual(count), patience);
  }

  /** Repeats an assertion until it holds. @param patience how many times as long as usual it may take */
  eventually<T>(assertion: () => T | Promise<T>, patience = 1): Promise<T> {
    return eventually(assertion, { timeoutMs: patience * this.patienceMs, intervalMs: 10 });
  }

  /** Nothing lost, duplicated or out of order. */
  clean(): void {
    const { lost, duplicates, orderViolations, gaps } = this.recorder.verdict();
    this.expect({ lost, duplicates, orderViolations, gaps }).toEqual({
      lost: [],
      duplicates: [],
      orderViolations: [],
      gaps: [],
    });
  }

  /** Closes what the test has opened, the last first. */
  async close(): Promise<void> {
    for (const gate of this.#gates) gate.open();
    for (const close of this.#open.splice(0).toReversed()) await close();
  }

  async #publishOne(app: ContractApp, topic: string, event: Numbered): Promise<void> {
    const result = await app.bus.publish(topic, event, { key: event.key });
    this.recorder.published({ topic, key: event.key, sequence: event.n }, result);
  }
}

/** @throws TypeError when it is no numbered event */
export function numbered(data: unknown): Numbered {
  if (typeof data === 'object' && data !== null && 'key' in data && 'n' in data) {
    const { key, n } = data;
    if (typeof key === 'string' && typeof n === 'number') return { key, n };
  }
  throw new TypeError('This is no numbered event.');
}

/** `k0` … */
export function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `k${index}`);
}
