import {
  type DynamicModule,
  type INestApplicationContext,
  type LoggerService,
  type LogLevel,
  Module,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DEFAULT_BUS, getEventBusLifecycleToken } from '../core/tokens.js';
import type { EventBusLifecycle } from '../event-bus.lifecycle.js';
import { EventBusModule } from '../event-bus.module.js';
import type { EventBusOptions } from '../event-bus.options.js';
import { EventBusService } from '../event-bus.service.js';
import type { BusSnapshot } from '../event-bus.snapshot.js';
import { eventually } from './eventually.js';
import { handlerClass, type TestHandler } from './handler-class.js';

/** What `createTestBus` is to make: the options of `forRoot`, and the providers under test. */
export interface TestBusOptions extends EventBusOptions, Pick<ModuleMetadata, 'imports' | 'providers'> {
  /** Handlers without a class of their own. @default [] */
  readonly testHandlers?: readonly TestHandler[];
  /** What Nest logs. @default nothing */
  readonly logger?: LoggerService | LogLevel[] | false;
}

/** A Nest application with a bus and nothing else. */
export interface TestBus {
  readonly app: INestApplicationContext;
  readonly bus: EventBusService;
  /** What the bus is doing at this moment: what health reads. */
  snapshot(): BusSnapshot;
  /**
   * Resolves when every publish of this application has ended and nothing that was delivered to it is in hand any more.
   * @throws Error when that is not so within `timeoutMs` @default 10000
   */
  idle(timeoutMs?: number): Promise<void>;
  /** Closes the application. Idempotent. */
  close(): Promise<void>;
}

@Module({})
class TestApplication {}

/**
 * Starts a real Nest application with a bus, on the memory transport unless another is given, and resolves when it consumes. To be
 * closed by the test.
 */
export async function createTestBus(options: TestBusOptions = {}): Promise<TestBus> {
  const { testHandlers = [], imports = [], providers = [], logger = false, ...busOptions } = options;
  const module: DynamicModule = {
    module: TestApplication,
    imports: [EventBusModule.forRoot({ consume: true, ...busOptions }), ...imports],
    providers: [...testHandlers.map((handler, place): Type<object> => handlerClass(handler, place)), ...providers],
  };
  const app = await NestFactory.createApplicationContext(module, { logger, abortOnError: false });
  const lifecycle = app.get<EventBusLifecycle>(getEventBusLifecycleToken(DEFAULT_BUS), { strict: false });
  return testBusOf(app, lifecycle);
}

function testBusOf(app: INestApplicationContext, lifecycle: EventBusLifecycle): TestBus {
  const bus = app.get(EventBusService, { strict: false });
  let closing: Promise<void> | undefined;
  const snapshot = (): BusSnapshot => lifecycle.snapshot();
  return {
    app,
    bus,
    snapshot,
    idle: async (timeoutMs = 10_000) => {
      await bus.flush();
      await eventually(() => assertIdle(snapshot()), { timeoutMs });
    },
    close: () => (closing ??= app.close()),
  };
}

function assertIdle({ consumers }: BusSnapshot): void {
  const busy = consumers.find(({ inFlight, lag }) => inFlight > 0 || (lag ?? 0) > 0);
  if (busy !== undefined) throw new Error(`${busy.name} has ${busy.inFlight} in flight and a lag of ${busy.lag ?? 0}.`);
}
