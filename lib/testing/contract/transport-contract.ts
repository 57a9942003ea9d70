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
import type {
  ContractEnvironment,
  ContractRunner,
  ContractSubject,
  ContractTest,
  RestartableEnvironment,
} from './subject.js';
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
    const { createRestartable } = this.subject;
    if (createRestartable !== undefined)
      describe('a broker that restarts', () => this.#declareRestarts(createRestartable));
    this.#declareStrangers();
  }

  #declareTest({ name, run }: ContractTest): void {
    this.#declareOne(name, async () => {
      if (this.#env === undefined) throw new Error('The environment did not start.');
      await this.#withTools(this.#env, run);
    });
  }

  #declareRestarts(create: () => Promise<RestartableEnvironment>): void {
    for (const { name, run } of RESTART) {
      this.#declareOne(name, async () => {
        const env = await create();
        try {
          await this.#withTools(env, (tools) => run(tools, () => env.restart()));
        } finally {
          await env.close();
        }
      });
    }
  }

  #declareOne(name: string, run: () => Promise<void>): void {
    const { testTimeoutMs = 30_000, knownFailures = [] } = this.subject;
    this.#declared.add(name);
    if (knownFailures.includes(name)) {
      this.runner.it(`${name} (known to fail)`, () => this.#knownFailure(name, run), testTimeoutMs);
    } else this.runner.it(name, run, testTimeoutMs);
  }

  /** A mark on a test that does not exist would hide that its test was renamed. */
  #declareStrangers(): void {
    for (const name of this.subject.knownFailures ?? []) {
      if (this.#declared.has(name)) continue;
      this.runner.it(`${name} (known to fail)`, () => Promise.reject(new Error('There is no such test.')));
    }
  }

  async #withTools(env: ContractEnvironment, run: (tools: ContractTools) => Promise<void>): Promise<void> {
    const { capabilities, patienceMs = 10_000 } = this.subject;
    const tools = new ContractTools(env, this.runner.expect, capabilities, patienceMs);
    try {
      await run(tools);
    } finally {
      await tools.close();
    }
  }

  async #knownFailure(name: string, run: () => Promise<void>): Promise<void> {
    const failure = await run().then(
      () => undefined,
      (error: unknown) => toError(error),
    );
    if (failure === undefined) throw new Error('It is marked as known to fail, and passes: take the mark off.');
    this.runner.report?.(`known failure on ${this.subject.name}: ${name}: ${failure.message}`);
  }
}
