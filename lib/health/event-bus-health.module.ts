import { type DynamicModule, Module } from '@nestjs/common';
import { DEFAULT_BUS, getEventBusLifecycleToken } from '../core/tokens.js';
import { EventBusHealthIndicator, type SnapshotSource } from './event-bus.health-indicator.js';
import { type EventBusHealthOptions, resolveHealthOptions } from './health.options.js';

/** Injection token of a named bus's health indicator; the default bus's can be injected by its class. */
export function getEventBusHealthToken(name: string = DEFAULT_BUS): string {
  return `EVENT_BUS_HEALTH:${name}`;
}

/** Provides EventBusHealthIndicator. Needs @nestjs/terminus only where its results are used; the bus's module must be global or re-exported. */
@Module({})
export class EventBusHealthModule {
  /** @throws InvalidOptionsError */
  static register(options: EventBusHealthOptions = {}): DynamicModule {
    const resolved = resolveHealthOptions(options);
    const name = options.name ?? DEFAULT_BUS;
    const token = getEventBusHealthToken(name);
    const indicator = {
      provide: token,
      inject: [getEventBusLifecycleToken(name)],
      useFactory: (bus: SnapshotSource) => new EventBusHealthIndicator(bus, resolved),
    };
    const alias = { provide: EventBusHealthIndicator, useExisting: token };
    const isDefault = name === DEFAULT_BUS;
    return {
      module: EventBusHealthModule,
      providers: isDefault ? [indicator, alias] : [indicator],
      exports: isDefault ? [token, EventBusHealthIndicator] : [token],
    };
  }
}
