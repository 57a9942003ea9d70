import type { DynamicModule, INestApplication, LoggerService, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach } from 'vitest';
import { EventBusModule, type EventBusOptions, EventBusService } from 'nestjs-eventbus';

/** Applications of the running test; closed after it, whatever became of it. */
const open = new Set<{ close(): Promise<void> }>();

afterEach(async () => {
  const applications = [...open];
  open.clear();
  for (const application of applications) await application.close();
});

/** Closes it after the test. */
export function closeAfterTest<T extends { close(): Promise<void> }>(application: T): T {
  open.add(application);
  return application;
}

/** What Nest and the bus have logged, as `level: message`. */
export class LogLines implements LoggerService {
  readonly lines: string[] = [];

  log = (message: unknown) => this.#add('log', message);
  debug = (message: unknown) => this.#add('debug', message);
  warn = (message: unknown) => this.#add('warn', message);
  error = (message: unknown) => this.#add('error', message);
  fatal = (message: unknown) => this.#add('fatal', message);
  verbose = (message: unknown) => this.#add('verbose', message);

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  #add(level: string, message: unknown): void {
    this.lines.push(`${level}: ${String(message)}`);
  }
}

export interface ApplicationOptions {
  /** Options of the default bus; `'none'`: the test brings its own. */
  readonly bus?: EventBusOptions | 'none';
  readonly providers?: Provider[];
  readonly controllers?: Type<unknown>[];
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly logs?: LogLines;
  /** To be called before `init`. */
  readonly prepare?: (app: INestApplication) => unknown;
}

/** Retries quickly, so that tests need not wait. */
export const QUICK: EventBusOptions = { retry: { initialDelayMs: 1, maxDelayMs: 5 } };

/** A module with a bus and what is under test. */
export function testModule(options: ApplicationOptions): Promise<TestingModule> {
  const { bus = QUICK, providers = [], controllers = [], imports = [], logs = new LogLines() } = options;
  const buses: DynamicModule[] = bus === 'none' ? [] : [EventBusModule.forRoot(bus)];
  return Test.createTestingModule({ imports: [...buses, ...imports], providers, controllers })
    .setLogger(logs)
    .compile();
}

/** A Nest application that has not been initialised. */
export async function newApplication(options: ApplicationOptions): Promise<INestApplication> {
  const module = await testModule(options);
  return closeAfterTest(module.createNestApplication());
}

/** A running Nest application, and its bus. */
export async function startApplication(
  options: ApplicationOptions,
): Promise<{ readonly app: INestApplication; readonly bus: EventBusService }> {
  const app = await newApplication(options);
  await options.prepare?.(app);
  await app.init();
  return { app, bus: app.get(EventBusService) };
}
