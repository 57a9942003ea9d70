import { type DynamicModule, Module } from '@nestjs/common';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  type EventBusModuleExtras,
} from './event-bus.module-definition.js';
import type { EventBusOptions } from './event-bus.options.js';

/**
 * A durable event bus for the application: `EventBusModule.forRoot({ transport, group })`. Global by default; several of them
 * with different names live side by side.
 *
 * Publishing is open from onModuleInit to onApplicationShutdown. Events are handled from after every other module's bootstrap hook
 * to before any other module's destroy hook. For a clean shutdown on SIGTERM call `app.enableShutdownHooks()`.
 */
@Module({})
export class EventBusModule extends ConfigurableModuleClass {
  /**
   * @param options all have defaults; without a transport, events stay in this process's memory
   * @returns a module whose start fails with an InvalidOptionsError that lists every fault of the options
   */
  static override forRoot(options: EventBusOptions & EventBusModuleExtras = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** As `forRoot`, with options from `useFactory`, `useClass` or `useExisting`. `name` and `isGlobal` stand beside them, not in them. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
