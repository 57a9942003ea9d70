import { toError } from '../../core/errors.js';
import { CLOSING } from './promises/closing.js';
import { CREDIT } from './promises/credit.js';
import { DEAD_LETTERS } from './promises/dead-letters.js';
import { DELIVERY } from './promises/delivery.js';
import { INPUT } from './promises/input.js';
import { ORDER } from './promises/order.js';
import { OWNERSHIP } from './promises/ownership.js';
import { PUBLISHING } from './promises/publishing.js';
import { RESTART } from './promises/restart.js';
import { ROUTING } from './promises/routing.js';
import type { ContractEnvironment, ContractRunner, ContractSubject, ContractTest } from './subject.js';
import { ContractTools } from './tools.js';

/** Every promise, by chapter. */
const CHAPTERS: Readonly<Record<string, readonly ContractTest[]>> = {
  order: ORDER,
  delivery: DELIVERY,
  'dead letters': DEAD_LETTERS,
  routing: ROUTING,
  backpressure: CREDIT,
  publishing: PUBLISHING,
  sources: OWNERSHIP,
  input: INPUT,
  closing: CLOSING,
  'a broker that restarts': RESTART,
};

const ENVIRONMENT_TIMEOUT_MS = 120_000;

/**
 * Declares the tests that every transport has to pass, with the functions of your test runner: `transportContract({ describe, it, expect,
 * beforeAll, afterAll }, subject)`. Each runs a real Nest application on the transport, or the bare transport where the
 * application cannot see what is promised. Tests run one after another and share one environment.
 */
export function transportContract(runner: ContractRunner, subject: ContractSubject): void {
  const suite = new Suite(runner, subject);
  runner.describe(`the transport contract on ${subject.name}`, () => suite.declare());
}

class Suite {
  #env: ContractEnvironment | undefined;
  readonly #declared = new Set<string>();

  constructor(
    private readonly runner: ContractRunner,
    private readonly subject: ContractSubject,
  ) {}

  declare(): void {
    const { beforeAll, afterAll, describe } = this.runner;
    beforeAll(async () => void (this.#env = await this.subject.createEnvironment()), ENVIRONMENT_TIMEOUT_MS);
    afterAll(async () => this.#env?.close(), ENVIRONMENT_TIMEOUT_MS);
    for (const [chapter, tests] of Object.entries(CHAPTERS)) {
      const applying = tests.filter(({ appliesTo }) => appliesTo?.(this.subject.capabilities) ?? true);
      if (applying.length > 0) describe(chapter, () => applying.forEach((test) => this.#declareTest(test)));
    }
    this.#declareStrangers();
  }

  #declareTest(test: ContractTest): void {
    const { testTimeoutMs = 30_000, knownFailures = [] } = this.subject;
    this.#declared.add(test.name);
    if (knownFailures.includes(test.name)) {
      this.runner.it(`${test.name} (known to fail)`, () => this.#runKnownFailure(test), testTimeoutMs);
    } else this.runner.it(test.name, () => this.#run(test), testTimeoutMs);
  }

  /** A mark on a test that does not exist would hide that its test was renamed. */
  #declareStrangers(): void {
    for (const name of this.subject.knownFailures ?? []) {
      if (this.#declared.has(name)) continue;
      this.runner.it(`${name} (known to fail)`, () => Promise.reject(new Error('There is no such test.')));
    }
  }

  async #run({ run }: ContractTest): Promise<void> {
    if (this.#env === undefined) throw new Error('The environment did not start.');
    const { capabilities, patienceMs = 10_000 } = this.subject;
    const tools = new ContractTools(this.#env, this.runner.expect, capabilities, patienceMs);
    try {
      await run(tools);
    } finally {
      await tools.close();
    }
  }

  async #runKnownFailure(test: ContractTest): Promise<void> {
    const failure = await this.#run(test).then(
      () => undefined,
      (error: unknown) => error ?? new Error('It failed without an error.'),
    );
    if (failure === undefined) throw new Error('It is marked as known to fail, and passes: take the mark off.');
    this.runner.report?.(`known failure on ${this.subject.name}: ${test.name}: ${toError(failure).message}`);
  }
}
