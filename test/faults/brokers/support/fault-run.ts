import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { expect } from 'vitest';
import { OnPublishResults, type PublishResult } from '../../../../lib/index.js';
import type { EventContext } from '../../../../lib/handlers/event-context.js';
import { createTestBus, EventRecorder, eventually, type TestBus } from '../../../../lib/testing/index.js';
import { unique } from '../../../support/unique.js';
import type { Site, Via } from './site.js';

export interface FaultRunOptions {
  /** Each an application of its own, in this process; the first one publishes. @default one, through the proxy */
  readonly instances?: readonly Via[];
  /** @default 40 */
  readonly keys?: number;
  /** Publishes a second, whatever becomes of them. @default 300 */
  readonly perSecond?: number;
  /** How long a handler takes, in milliseconds, for a number from 0 to below 1. @default 0 to 40, and 300 for one in a hundred */
  readonly handlingMs?: (random: number) => number;
  /** How long a publish waits for its confirm. @default 30_000 */
  readonly ackTimeoutMs?: number;
  /** Of each instance, in milliseconds. @default 25_000 */
  readonly shutdownTimeoutMs?: number;
}

/** What a run comes to. */
export interface Judgement {
  readonly confirmed: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly handled: number;
  readonly deadLettered: number;
  readonly lost: number;
  /** Gone with a stream or a topic that somebody deleted. */
  readonly writtenOff: number;
  readonly orderViolations: number;
  /** Publishes that did not end in exactly one result, neither in its promise nor at `@OnPublishResults()`. */
  readonly wrongResults: number;
  /** Events handled more than once at one position: delivered again after they were handled. */
  readonly handledAgain: number;
  /** Events that lie at more than one position: published again after a confirm was lost. */
  readonly storedAgain: number;
  /** What the broker says that the group has not settled. */
  readonly left: number;
  /** Deliveries in flight when each fault struck. */
  readonly inFlight: readonly number[];
  /** The most that was in flight at once, over all instances. */
  readonly peakInFlight: number;
}

/**
 * What must hold of every run, whatever struck it: nothing is lost or out of order, each publish has one result, the broker has nothing
 * left, what was handled twice stays within the bound, and every fault struck while something was in flight.
 */
export function expectUnharmed(judgement: Judgement, site: Site): void {
  const { inFlight, peakInFlight, handledAgain } = judgement;
  const bound = inFlight.length * site.duplicatesPerFault(peakInFlight);
  expect(judgement).toMatchObject({ lost: 0, orderViolations: 0, wrongResults: 0, left: 0 });
  expect(handledAgain).toBeLessThanOrEqual(bound);
  expect(Math.min(...inFlight)).toBeGreaterThan(0);
}

const handledIn = (random: number): number => (random < 0.01 ? 300 : random * 40);

/** Publishes and handles keyed events without a pause, from `start` to `finish`, and judges what became of them. */
export class FaultRun {
  readonly recorder = new EventRecorder();
  readonly group = unique('group');
  readonly topic: string;
  readonly buses: TestBus[] = [];
  readonly #open = new Set<TestBus>();
  readonly #next = new Map<string, number>();
  readonly #confirmed = new Set<string>();
  readonly #handled = new Set<string>();
  /** Confirmed, and gone for good without any fault of ours. */
  readonly #writtenOff = new Set<string>();
  /** Event → position → how often it was handled to the end there. */
  readonly #completions = new Map<string, Map<string, number>>();
  /** Event id → results. */
  readonly #results = new Map<string, number>();
  readonly #inFlight: number[] = [];
  readonly #publishes: Promise<unknown>[] = [];
  readonly #outcomes = { confirmed: 0, rejected: 0, unknown: 0 };
  readonly #options: Required<FaultRunOptions>;
  #peakInFlight = 0;
  #load: NodeJS.Timeout | undefined;

  private constructor(
    readonly site: Site,
    options: FaultRunOptions,
  ) {
    this.topic = site.topic();
    this.#options = {
      instances: ['proxy'],
      keys: 40,
      perSecond: 300,
      handlingMs: handledIn,
      ackTimeoutMs: 30_000,
      shutdownTimeoutMs: 25_000,
      ...options,
    };
  }

  /** Resolves when events are being published and handled. */
  static async start(site: Site, options: FaultRunOptions = {}): Promise<FaultRun> {
    const run = new FaultRun(site, options);
    for (const via of run.#options.instances) await run.join(via);
    run.publish();
    await run.progress(50);
    return run;
  }

  /** The same without a wait for anything, for a broker that is away. */
  static async boot(site: Site, options: FaultRunOptions = {}): Promise<FaultRun> {
    const run = new FaultRun(site, options);
    for (const via of run.#options.instances) await run.join(via);
    run.publish();
    return run;
  }

  /** Events handled to the end so far, each counted once. */
  get handled(): number {
    return this.#handled.size;
  }

  /** Starts one more instance of the application. @param site how it sees the broker @default as the others do */
  async join(via: Via, site: Site = this.site): Promise<TestBus> {
    const instance = `${this.buses.length}`;
    const bus = await createTestBus({
      transport: site.transport(this.topic, via),
      group: this.group,
      connectTimeoutMs: 1_000,
      shutdownTimeoutMs: this.#options.shutdownTimeoutMs,
      pools: { ack: { timeoutMs: this.#options.ackTimeoutMs } },
      providers: [resultCounter(this.#results)],
      testHandlers: [{ on: this.topic, handle: (data, event) => this.#handle(data, event, instance) }],
    });
    this.buses.push(bus);
    this.#open.add(bus);
    return bus;
  }

  /** Closes the oldest instance; the next one publishes from now on. */
  async leave(): Promise<void> {
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    this.#open.delete(oldest);
    await oldest.close();
  }

  /** Names of the events whose publish has begun, `key sequence` each. */
  get begun(): ReadonlySet<string> {
    const names = [...this.#next].map(([key, last]) => Array.from({ length: last }, (_, i) => `${key} ${i + 1}`));
    return new Set(names.flat());
  }

  /** Names of the events that are confirmed, not handled yet and not written off. */
  get missing(): readonly string[] {
    return [...this.#confirmed].filter((name) => !this.#handled.has(name) && !this.#writtenOff.has(name));
  }

  /** What is stored and not handled is gone with what stored it. @param names which of it @default all */
  writeOff(names = this.missing): void {
    for (const name of names) this.#writtenOff.add(name);
  }

  /** Starts the load, which goes on until `finish`. */
  publish(): void {
    const everyMs = 10;
    let owed = 0;
    this.#load = setInterval(() => {
      this.#peakInFlight = Math.max(this.#peakInFlight, this.inFlight);
      for (owed += (this.#options.perSecond * everyMs) / 1_000; owed >= 1; owed -= 1) this.#publishOne();
    }, everyMs);
  }

  /** Deliveries in hand, over all instances. */
  get inFlight(): number {
    return [...this.#open].flatMap((bus) => bus.snapshot().consumers).reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** Lets a fault strike while so many deliveries are in flight. */
  async strike<T>(fault: () => T, atLeast = 3): Promise<T> {
    await eventually(() => this.#assert(this.inFlight >= atLeast, 'too little is in flight'), {
      timeoutMs: 15_000,
      intervalMs: 1,
    });
    this.#inFlight.push(this.inFlight);
    return fault();
  }

  /** Resolves when so many more events have been handled. */
  async progress(count: number, timeoutMs = 60_000): Promise<void> {
    const target = this.handled + count;
    await eventually(() => this.#assert(this.handled >= target, `${this.handled} of ${target} handled`), { timeoutMs });
  }

  /** Resolves when so many publishes have been rejected. */
  async rejections(count: number): Promise<void> {
    const assertion = (): void => this.#assert(this.#outcomes.rejected >= count, `${this.#outcomes.rejected} rejected`);
    await eventually(assertion, { timeoutMs: 60_000 });
  }

  /** Publishes so many at once, each with so many bytes more, beside the load, from outside the instances. */
  async flood(count: number, bytes: number): Promise<void> {
    const publisher = await createTestBus({
      transport: this.site.transport(this.topic, 'direct'),
      consume: false,
      providers: [resultCounter(this.#results)],
    });
    const before = this.#publishes.length;
    for (let n = 0; n < count; n += 1) this.#publishOne(publisher, `flood${n % this.#options.keys}`, bytes);
    await Promise.all(this.#publishes.slice(before));
    await publisher.close();
  }

  /** Ends the load, waits until all of it is handled and settled, closes the instances and judges. */
  async finish(timeoutMs = 60_000): Promise<Judgement> {
    clearInterval(this.#load);
    await Promise.all(this.#publishes);
    await this.#patiently(
      () => this.#assert(this.missing.length === 0, `${this.missing.length} are not handled`),
      timeoutMs,
    );
    let left = -1;
    await this.#patiently(async () => {
      ({ left } = await this.site.view(this.topic, this.group));
      this.#assert(left === 0, `${left} are not settled`);
    }, timeoutMs);
    await this.close();
    const judgement = this.#judge(left);
    if (process.env['EVENTBUS_TEST_VERDICTS'])
      process.stdout.write(
        `${expect.getState().currentTestName}: ${JSON.stringify({ ...judgement, violations: this.#violations() })}\n`,
      );
    return judgement;
  }

  /** Closes what is open; for a test that failed, too. Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#load);
    const open = [...this.#open];
    this.#open.clear();
    await Promise.all(open.map((bus) => bus.close()));
  }

  get #publisher(): TestBus | undefined {
    const [oldest] = this.#open;
    return oldest;
  }

  #publishOne(
    publisher = this.#publisher,
    key = `k${Math.floor(Math.random() * this.#options.keys)}`,
    bytes = 0,
  ): void {
    const sequence = (this.#next.get(key) ?? 0) + 1;
    this.#next.set(key, sequence);
    const event = { topic: this.topic, key, sequence };
    const ended = (outcome: PublishResult['outcome']): void => {
      this.#outcomes[outcome] += 1;
      if (outcome === 'confirmed') this.#confirmed.add(`${key} ${sequence}`);
      this.recorder.published(event, outcome);
    };
    const publish = publisher?.bus.publishMany([
      { topic: this.topic, data: { sequence, filler: 'x'.repeat(bytes) }, options: { key } },
    ]);
    this.#publishes.push(Promise.resolve(publish).then((results) => results?.forEach(({ outcome }) => ended(outcome))));
  }

  async #handle(data: unknown, event: EventContext, instance: string): Promise<void> {
    const { sequence } = data as { sequence: number };
    const { key, group, attempt } = event;
    await this.recorder.run({ topic: this.topic, key, sequence, group, attempt, instance }, () =>
      sleep(this.#options.handlingMs(Math.random())),
    );
    const name = `${key} ${sequence}`;
    this.#handled.add(name);
    const positions = this.#completions.get(name) ?? new Map<string, number>();
    const position = JSON.stringify(event.position);
    positions.set(position, (positions.get(position) ?? 0) + 1);
    this.#completions.set(name, positions);
  }

  #judge(left: number): Judgement {
    const verdict = this.recorder.verdict();
    const positions = [...this.#completions.values()];
    const published = [...this.#next.values()].reduce((sum, count) => sum + count, 0);
    const once = [...this.#results.values()].filter((count) => count === 1).length;
    return {
      ...this.#outcomes,
      handled: verdict.handled,
      deadLettered: verdict.deadLettered,
      lost: verdict.lost.filter(({ key, sequence }) => !this.#writtenOff.has(`${key} ${sequence}`)).length,
      writtenOff: this.#writtenOff.size,
      orderViolations: verdict.orderViolations.length,
      wrongResults: Math.abs(published - verdict.published) + Math.abs(published - once),
      handledAgain: positions.filter((at) => [...at.values()].some((times) => times > 1)).length,
      storedAgain: positions.filter((at) => at.size > 1).length,
      left,
      inFlight: this.#inFlight,
      peakInFlight: this.#peakInFlight,
    };
  }

  /** Each with where both events lie: whether the broker has them in the order in which they were handled, or in that of their numbers. */
  #violations(): object[] {
    const found = (key: string | undefined, sequence: number): object => {
      const name = `${key} ${sequence}`;
      return { sequence, isConfirmed: this.#confirmed.has(name), at: [...(this.#completions.get(name)?.keys() ?? [])] };
    };
    return this.recorder.verdict().orderViolations.map(({ key, sequence, kind, other }) => ({
      key,
      kind,
      event: found(key, sequence),
      other: found(key, other),
    }));
  }

  /** What never comes is for the judgement to say. */
  async #patiently(condition: () => void | Promise<void>, timeoutMs: number): Promise<void> {
    await eventually(condition, { timeoutMs, intervalMs: 50 }).catch(() => undefined);
  }

  #assert(isTrue: boolean, otherwise: string): void {
    if (!isTrue) throw new Error(otherwise);
  }
}

/** The provider an application would have for its publish results. */
function resultCounter(results: Map<string, number>): new () => object {
  @Injectable()
  class ResultCounter {
    @OnPublishResults()
    count(batch: readonly PublishResult[]): void {
      for (const { id } of batch) results.set(id, (results.get(id) ?? 0) + 1);
    }
  }
  return ResultCounter;
}
