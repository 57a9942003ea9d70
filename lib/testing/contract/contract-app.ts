import { eventually } from '../eventually.js';
import type { TestBus, TestBusOptions } from '../test-bus.js';
import { createTestBus } from '../test-bus.js';
import type { BusSnapshot } from '../../event-bus.snapshot.js';
import type { TransportFactory } from '../../transport/transport.js';
import type { TestHandler } from '../handler-class.js';
import { TransportSpy } from './spy.js';

/** What an instance of the application is to be. */
export interface ContractAppOptions extends Omit<TestBusOptions, 'transport' | 'group' | 'handlers' | 'testHandlers'> {
  readonly group: string;
  readonly handlers?: readonly TestHandler[];
}

/** Small enough that a test of retries takes no time. */
const QUICK_RETRY = { maxAttempts: 3, initialDelayMs: 20, multiplier: 1, maxDelayMs: 20, jitter: 0 };

/** One instance of an application, on the transport under test, watched at the port. */
export class ContractApp {
  private constructor(
    private readonly testBus: TestBus,
    readonly spy: TransportSpy,
  ) {}

  /** Resolves when it owns something to consume, if it has handlers. */
  static async start(transport: TransportFactory, options: ContractAppOptions): Promise<ContractApp> {
    const { handlers = [], ...rest } = options;
    const spy = new TransportSpy();
    const testBus = await createTestBus({
      shutdownTimeoutMs: 10_000,
      ...rest,
      testHandlers: handlers,
      retry: { ...QUICK_RETRY, ...options.retry },
      transport: spy.watch(transport),
    });
    const app = new ContractApp(testBus, spy);
    if (options.consume !== false) await app.#consuming(new Set(handlers.map(({ group = options.group }) => group)));
    return app;
  }

  get bus(): TestBus['bus'] {
    return this.testBus.bus;
  }

  snapshot(): BusSnapshot {
    return this.testBus.snapshot();
  }

  close(): Promise<void> {
    return this.testBus.close();
  }

  /** As if the process had been killed; then the rest of it is cleared away. */
  async crash(): Promise<void> {
    await this.spy.crash();
    await this.close();
  }

  /** Every group of its handlers owns something. */
  async #consuming(groups: ReadonlySet<string>): Promise<void> {
    await eventually(
      () => {
        const owned = new Set([...this.spy.sources].map(({ group }) => group));
        const missing = [...groups].filter((group) => !owned.has(group));
        if (missing.length > 0) throw new Error(`No source yet: ${missing.join(', ')}.`);
      },
      { timeoutMs: 20_000, intervalMs: 5 },
    );
  }
}
