import { ConfigurableModuleBuilder } from '@nestjs/common';
import { DEFAULT_BUS } from './core/tokens.js';
import type { EventBusOptions } from './event-bus.options.js';
import { busExports, busProviders, EVENT_BUS_OPTIONS } from './event-bus.providers.js';
import { EventBusRunnerModule } from './event-bus.runner.module.js';

/** What has to be known before the options are. */
export interface EventBusModuleExtras {
  /** Tells the buses of an application apart: letters, digits, `_` and `-`. @default 'default' */
  readonly name?: string;
  /** Whether every module can inject the bus without importing it. @default true */
  readonly isGlobal?: boolean;
}

/** For `forRootAsync({ useClass })` and `({ useExisting })`. */
export interface EventBusOptionsFactory {
  createEventBusOptions(): EventBusOptions | Promise<EventBusOptions>;
}

/** Named here, so that Nest keeps them apart from the options. */
const DEFAULT_EXTRAS: Required<EventBusModuleExtras> = { name: DEFAULT_BUS, isGlobal: true };

export const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } = new ConfigurableModuleBuilder<EventBusOptions>({
  optionsInjectionToken: EVENT_BUS_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createEventBusOptions')
  .setExtras<EventBusModuleExtras>(DEFAULT_EXTRAS, (definition, { name = DEFAULT_BUS, isGlobal = true }) => ({
    ...definition,
    global: isGlobal,
    imports: [...(definition.imports ?? []), EventBusRunnerModule],
    providers: [...(definition.providers ?? []), ...busProviders(name)],
    exports: [...(definition.exports ?? []), ...busExports(name)],
  }))
  .build();
