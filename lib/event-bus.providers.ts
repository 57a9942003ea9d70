import { Inject, type Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { InvalidOptionsError } from './core/errors.js';
import { shown } from './core/option-faults.js';
import {
  DEFAULT_BUS,
  getEventBusClientToken,
  getEventBusLifecycleToken,
  getEventBusStrategyToken,
  getEventBusToken,
} from './core/tokens.js';
import type { BusParts } from './event-bus.assembly.js';
import { EventBusDirectory } from './event-bus.directory.js';
import { BusHandlers } from './event-bus.handlers.js';
import { EventBusLifecycle } from './event-bus.lifecycle.js';
import type { EventBusOptions } from './event-bus.options.js';
import { resolveOptions } from './event-bus.resolve-options.js';
import { EventBusService } from './event-bus.service.js';
import { EventBusStrategy } from './event-bus.strategy.js';
import { Surroundings } from './event-bus.surroundings.js';
import { EventBusClientProxy, type EventBusClientTarget } from './publishing/event-bus.client-proxy.js';

/** Options as the application gave them; each EventBusModule has its own. */
export const EVENT_BUS_OPTIONS = Symbol('EVENT_BUS_OPTIONS');

const BUS_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Classes by which the default bus can be injected, and the tokens they stand for. */
const ALIASES = [
  [EventBusService, getEventBusToken()],
  [EventBusStrategy, getEventBusStrategyToken()],
  [EventBusClientProxy, getEventBusClientToken()],
  [EventBusLifecycle, getEventBusLifecycleToken()],
] as const;

/** Injects a bus. @param name as given to its module; the default bus can be injected by its class alone */
export function InjectEventBus(name: string = DEFAULT_BUS): ReturnType<typeof Inject> {
  return Inject(getEventBusToken(name));
}

/** What one EventBusModule provides: the bus under its tokens, and the default bus under its classes too. */
export function busProviders(name: string): Provider[] {
  const inject = [getEventBusLifecycleToken(name)];
  return [
    {
      provide: getEventBusLifecycleToken(name),
      inject: [EVENT_BUS_OPTIONS, EventBusDirectory, ModuleRef, ModulesContainer],
      useFactory: (options: EventBusOptions, directory: EventBusDirectory, ...nest: [ModuleRef, ModulesContainer]) =>
        createLifecycle(name, options, directory, ...nest),
    },
    { provide: getEventBusToken(name), inject, useFactory: (bus: EventBusLifecycle) => new EventBusService(bus) },
    {
      provide: getEventBusStrategyToken(name),
      inject,
      useFactory: (bus: EventBusLifecycle) => new EventBusStrategy(bus),
    },
    {
      provide: getEventBusClientToken(name),
      inject,
      useFactory: ({ parts }: EventBusLifecycle) => clientProxy(parts),
    },
    ...(name === DEFAULT_BUS ? ALIASES.map(([provide, useExisting]) => ({ provide, useExisting })) : []),
  ];
}

/** What others may inject of it. */
export function busExports(name: string): (string | (typeof ALIASES)[number][0])[] {
  const tokens = [getEventBusLifecycleToken, getEventBusToken, getEventBusStrategyToken, getEventBusClientToken];
  return [...tokens.map((tokenOf) => tokenOf(name)), ...(name === DEFAULT_BUS ? ALIASES.map(([type]) => type) : [])];
}

function clientProxy({ publisher, transport, logger }: BusParts): EventBusClientProxy {
  const target: EventBusClientTarget = {
    publish: (...event) => publisher.publish(...event),
    unwrap: () => transport.unwrap(),
  };
  return new EventBusClientProxy(target, logger);
}

function createLifecycle(
  name: string,
  given: EventBusOptions,
  directory: EventBusDirectory,
  ...[moduleRef, modules]: [ModuleRef, ModulesContainer]
): EventBusLifecycle {
  if (!BUS_NAME.test(name)) {
    throw new InvalidOptionsError([`name must be 1 to 64 letters, digits, "_" and "-", got ${shown(name)}`]);
  }
  const options = resolveOptions(given);
  return new EventBusLifecycle({
    name,
    options,
    surroundings: new Surroundings(modules, moduleRef),
    handlers: ({ logger }) => new BusHandlers({ bus: name, options, directory, moduleRef, logger }),
  });
}
