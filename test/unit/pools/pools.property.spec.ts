import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GlobalWorkerPool } from '../../../lib/pools/global-pool.js';
import { KeyedWorkerPool } from '../../../lib/pools/keyed-pool.js';
import type { WorkerPool, WorkerPoolOptions } from '../../../lib/pools/worker-pool.js';
import { PoolModel } from './pool-model.js';
import { microtasks, ScriptedTask } from './scripted-task.js';
import type { Attempt } from './scripted-task.js';

interface Submission {
  readonly lane: string | undefined;
  readonly group: string;
  readonly origin: number;
  readonly attempts: readonly Attempt[];

  /** What it does to the pool itself when it starts. */
  readonly onStart: 'nothing' | 'submits to its lane' | 'submits on its own' | 'discards its origin' | 'resizes';
  readonly onDrop: 'nothing' | 'submits to its lane' | 'discards another origin';
}

type Step =
  | { readonly step: 'submit'; readonly submissions: readonly Submission[] }
  | { readonly step: 'tell'; readonly which: number }
  | { readonly step: 'pass time'; readonly ms: number }
  | { readonly step: 'resize'; readonly workers: number }
  | { readonly step: 'discard'; readonly origin: number }
  | { readonly step: 'expire'; readonly origin: number };

/** None of the three origins: a task of it that is submitted amid a discard is not part of that. */
const NEVER_DISCARDED = 3;

/** A lane is of one group. */
const GROUP_BY_LANE: ReadonlyMap<string | undefined, string> = new Map([
  ['x', 'a'],
  ['y', 'b'],
  ['z', 'b'],
]);

const ends = fc.constantFrom<Attempt['ends']>(
  'synchronously',
  'when told',
  'when told',
  'by throwing',
  'by rejecting when told',
);
const failed = fc.record<Attempt>({
  ends: fc.constantFrom('synchronously', 'when told'),
  waitMs: fc.constantFrom(0, 1, 10, 100),
});
const script = fc
  .tuple(fc.array(failed, { maxLength: 2 }), fc.record<Attempt>({ ends }))
  .map(([before, last]) => [...before, last]);

const submission = (lanes: readonly (string | undefined)[]): fc.Arbitrary<Submission> =>
  fc.record<Submission>({
    lane: fc.constantFrom(...lanes),
    group: fc.constantFrom('a', 'b', 'c'),
    origin: fc.nat({ max: 2 }),
    attempts: script,
    onStart: fc.constantFrom(
      'nothing',
      'nothing',
      'nothing',
      'submits to its lane',
      'submits on its own',
      'discards its origin',
      'resizes',
    ),
    onDrop: fc.constantFrom('nothing', 'nothing', 'submits to its lane', 'discards another origin'),
  });

const steps = (lanes: readonly (string | undefined)[]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      fc.record({
        step: fc.constant<'submit'>('submit'),
        submissions: fc.array(submission(lanes), { minLength: 1, maxLength: 6 }),
      }),
      fc.record({ step: fc.constant<'tell'>('tell'), which: fc.nat({ max: 5 }) }),
      fc.record({ step: fc.constant<'tell'>('tell'), which: fc.nat({ max: 5 }) }),
      fc.record({ step: fc.constant<'pass time'>('pass time'), ms: fc.constantFrom(1, 9, 50, 200) }),
      fc.record({ step: fc.constant<'resize'>('resize'), workers: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ step: fc.constant<'discard'>('discard'), origin: fc.nat({ max: 2 }) }),
      fc.record({ step: fc.constant<'expire'>('expire'), origin: fc.nat({ max: 2 }) }),
    ),
    { minLength: 1, maxLength: 40 },
  );

/** A pool, its model, and what the steps of a run do to both. */
class Run {
  readonly model: PoolModel;
  readonly #pool: WorkerPool;
  #submitted = 0;
  #defects = 0;
  #isDiscarding = false;

  /** One for each of the three origins; an origin that has expired is replaced, as a source that is assigned again. */
  readonly #origins = [{ isCurrent: true }, { isCurrent: true }, { isCurrent: true }];

  constructor(workers: number, make: (options: WorkerPoolOptions) => WorkerPool) {
    vi.clearAllTimers();
    this.model = new PoolModel(workers, () => performance.now());
    this.#pool = make({ workers, onDefect: () => (this.#defects += 1) });
  }

  async take(step: Step): Promise<void> {
    if (step.step === 'submit') for (const submitted of step.submissions) this.#submit(submitted);
    if (step.step === 'tell')
      this.model
        .pending()
        .at(step.which % Math.max(1, this.model.running))
        ?.tell();
    if (step.step === 'pass time') vi.advanceTimersByTime(step.ms);
    if (step.step === 'resize') this.#resize(step.workers);
    if (step.step === 'discard') this.#discard(step.origin);
    if (step.step === 'expire') this.#expire(step.origin);
    await this.#settle();
    this.#judge();
  }

  /** Everything that is pending ends, all waits pass, until nothing is left. */
  async finish(): Promise<void> {
    const idle = this.#pool.idle().then(() => 'idle');
    for (let round = 0; this.#pool.state.running + this.#pool.state.waiting > 0 && round < 10_000; round += 1) {
      this.model.pending()[0]?.tell();
      await this.#settle();
      if (this.model.pending().length === 0) vi.advanceTimersByTime(100);
    }
    await this.#settle();
    this.#judge();
    expect(this.model.unaccounted()).toEqual([]);
    expect(this.#defects).toBe(this.model.defects);
    expect(this.#pool.state).toMatchObject({ running: 0, waiting: 0, backingOff: 0, keys: 0 });
    expect(await Promise.race([idle, microtasks().then(() => 'not idle')])).toBe('idle');
    expect(vi.getTimerCount()).toBe(0);
  }

  close(): void {
    this.#isDiscarding = true;
    this.#pool.close();
    this.#isDiscarding = false;
    expect(vi.getTimerCount()).toBe(0);
  }

  #submit({ lane, origin, attempts, onStart, onDrop, ...own }: Submission): void {
    const group = GROUP_BY_LANE.get(lane) ?? own.group;
    const source = this.#origins[origin] ?? { isCurrent: true };
    const child: Submission = { lane, group, origin, attempts: [], onStart: 'nothing', onDrop: 'nothing' };
    this.#submitted += 1;
    const task = new ScriptedTask({
      name: `task ${this.#submitted} of ${group}`,
      group,
      origin: source,
      attempts,
      isCurrent: () => source.isCurrent,
      observer: {
        started: (self) => {
          this.model.started(self);
          if (onStart === 'submits to its lane') this.#submit(child);
          if (onStart === 'submits on its own') this.#submit({ ...child, lane: undefined });
          if (onStart === 'discards its origin') this.#discard(origin);
          if (onStart === 'resizes') this.#resize((this.#submitted % 4) + 1);
        },
        attempted: (self, waitMs) => this.model.attempted(self, waitMs),
        dropped: (self) => {
          this.model.dropped(self);
          if (onDrop === 'submits to its lane') this.#submit({ ...child, origin: NEVER_DISCARDED });
          if (onDrop === 'discards another origin') this.#discard((origin + 1) % 3);
        },
      },
    });
    this.model.submitted(task, lane);
    this.#pool.submit(task, lane);
  }

  #resize(workers: number): void {
    this.model.workers = workers;
    this.#pool.resize(workers);
  }

  /** What is being discarded already, and not told yet, still waits as far as the model is concerned. */
  #discard(origin: number): void {
    const source = this.#origins[origin] ?? {};
    const isNested = this.#isDiscarding;
    const expected = this.model.waitingOf(source);
    this.#isDiscarding = true;
    const removed = this.#pool.discard(source);
    this.#isDiscarding = isNested;
    if (isNested) return;

    const left = this.model.waitingOf(source);
    if (removed !== expected || left > 0) this.model.faults.push(`discards ${removed} of ${expected}, leaves ${left}`);
  }

  #expire(origin: number): void {
    const source = this.#origins[origin];
    if (source !== undefined) source.isCurrent = false;
    this.#origins[origin] = { isCurrent: true };
  }

  /** Promises are seen, and the pool has the turns of the event loop it asks for: fake timers give it one in 1 ms. */
  async #settle(): Promise<void> {
    for (let i = 0; i < 3; i += 1) {
      await microtasks();
      vi.advanceTimersByTime(1);
    }
    await microtasks();
  }

  #judge(): void {
    expect(this.model.faults).toEqual([]);
    expect(this.model.actualState(this.#pool)).toEqual(this.model.expectedState());
    const isBusy = this.model.running >= this.model.workers;
    expect(isBusy ? [] : this.model.runnable().map((task) => task.name), 'waits beside a free worker').toEqual([]);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const POOLS = [
  {
    name: 'a keyed pool',
    make: (options: WorkerPoolOptions) => new KeyedWorkerPool(options),
    lanes: ['x', 'y', 'z', undefined],
  },
  { name: 'a global pool', make: (options: WorkerPoolOptions) => new GlobalWorkerPool(options), lanes: [undefined] },
];

describe.each(POOLS)('$name, whatever happens to it', ({ make, lanes }) => {
  const workers = fc.integer({ min: 1, max: 4 });

  it('runs what it takes once, in the order of each lane, on all its workers and no more', async () => {
    await fc.assert(
      fc.asyncProperty(workers, steps(lanes), async (count, taken) => {
        const run = new Run(count, make);
        for (const step of taken) await run.take(step);
        await run.finish();
      }),
      { numRuns: 1000 },
    );
  });

  it('drops what waits when it is closed, lets the rest end, and leaves no timer', async () => {
    await fc.assert(
      fc.asyncProperty(workers, steps(lanes), async (count, taken) => {
        const run = new Run(count, make);
        for (const step of taken) await run.take(step);
        run.close();
        await run.finish();
      }),
      { numRuns: 500 },
    );
  });
});
