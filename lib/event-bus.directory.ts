import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { InvalidHandlerError, InvalidOptionsError } from './core/errors.js';
import { EventBusLifecycle } from './event-bus.lifecycle.js';
import { HandlerExplorer, type DiscoveredMethod } from './handlers/handler.explorer.js';

/** The buses of an application, and what was found for each of them. One per application. */
@Injectable()
export class EventBusDirectory {
  #methods: readonly DiscoveredMethod[] | undefined;

  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(HandlerExplorer) readonly explorer: HandlerExplorer,
  ) {}

  /** Every bus of the application. */
  get all(): readonly EventBusLifecycle[] {
    return this.discovery
      .getProviders()
      .filter(({ isAlias }) => !isAlias)
      .map(({ instance }: { readonly instance: unknown }) => instance)
      .filter((instance) => instance instanceof EventBusLifecycle);
  }

  /**
   * Decorated methods of the whole application, looked for once.
   * @throws InvalidOptionsError when two buses have one name
   * @throws InvalidHandlerError when a decorator names a bus that does not exist, or a class is provided twice
   */
  get methods(): readonly DiscoveredMethod[] {
    if (this.#methods) return this.#methods;
    const names = this.all.map(({ name }) => name);
    assertUniqueNames(names);
    const methods = this.explorer.explore();
    assertKnownBuses(methods, names);
    return (this.#methods = methods);
  }
}

function assertUniqueNames(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new InvalidOptionsError([
    `name must be another for each EventBusModule of an application, got "${twice}" twice: give one of them a \`name\``,
  ]);
}

function assertKnownBuses(methods: readonly DiscoveredMethod[], names: readonly string[]): void {
  const faults = methods.flatMap(({ className, methodName, declarations, publishResults }) =>
    [...new Set([...declarations.map(({ bus }) => bus), ...publishResults])]
      .filter((bus) => !names.includes(bus))
      .map(
        (bus) =>
          `${className}.${methodName} names the bus "${bus}", which does not exist; there are: ${names.join(', ')}`,
      ),
  );
  if (faults.length > 0) throw new InvalidHandlerError(faults.join('; '));
}
