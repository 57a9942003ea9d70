import type { ModuleRef, NestContainer } from '@nestjs/core';
import { InvalidHandlerError } from './core/errors.js';
import type { BusLogger } from './core/logger.js';
import { assertPattern } from './core/pattern.js';
import { groupSettings, type ResolvedOptions } from './event-bus.resolve-options.js';
import { createRegistrations, type DeclaredHandler } from './handlers/handler-registrations.js';
import { HandlerPipeline } from './handlers/handler-pipeline.js';
import type { DiscoveredMethod, DiscoveredNestPattern, HandlerExplorer } from './handlers/handler.explorer.js';
import { HandlerInvokers, isScoped, type Invoke, type MethodHost } from './handlers/handler.invoker.js';
import { EventHandlerRegistry } from './handlers/handler.registry.js';
import type { PublishResult } from './publishing/publish-result.js';

/** A method that hears of publish results. */
export interface ResultsListener {
  /** `Outbox.markSent`, for the log. */
  readonly name: string;
  readonly handle: (results: readonly PublishResult[]) => unknown;
}

/** What a bus's handlers are looked for with. */
export interface BusHandlersOptions {
  readonly bus: string;
  readonly options: ResolvedOptions;
  readonly directory: { readonly methods: readonly DiscoveredMethod[]; readonly explorer: HandlerExplorer };
  readonly moduleRef: ModuleRef;
  readonly logger: BusLogger;
}

/** The handlers of one bus: first checked, then, when everything else of the application has started, made ready to run. */
export class BusHandlers {
  constructor(private readonly parts: BusHandlersOptions) {}

  /**
   * Complete registrations whose `invoke` is not ready yet: enough to check them, and to know what is going to be consumed.
   * @throws InvalidHandlerError
   */
  check(nestPatterns: 'with' | 'without'): EventHandlerRegistry {
    const registry = this.#registry(this.#declared(nestPatterns, () => notReady));
    const { options, logger } = this.parts;
    const handled = new Set(registry.all.map(({ group }) => group));
    const idle = Object.keys(options.groups).filter((group) => !handled.has(group));
    if (idle.length > 0) logger.warn(`No handler is in these groups of the options: ${idle.join(', ')}.`);
    return registry;
  }

  /** Registrations that are ready to run. @param globalEnhancers whether those of the whole application apply */
  prepare(nestPatterns: 'with' | 'without', globalEnhancers: 'apply' | 'ignore'): EventHandlerRegistry {
    const container: NestContainer = Reflect.get(this.parts.moduleRef, 'container');
    const invokers = new HandlerInvokers(new HandlerPipeline(container, globalEnhancers));
    return this.#registry(this.#declared(nestPatterns, (host) => invokers.create(host)));
  }

  /**
   * Methods that want publish results.
   * @throws InvalidHandlerError for one that does not exist once
   */
  resultsListeners(): ResultsListener[] {
    return this.parts.directory.methods
      .filter(({ publishResults }) => publishResults.includes(this.parts.bus))
      .map((method) => listenerOf(method));
  }

  #registry(declared: readonly DeclaredHandler[]): EventHandlerRegistry {
    const { bus, options } = this.parts;
    const { group, retry, handlers } = options;
    const registrations = createRegistrations(declared, { bus, group, retry, ...handlers });
    return new EventHandlerRegistry(registrations, (name) => groupSettings(options, name));
  }

  #declared(nestPatterns: 'with' | 'without', invokeOf: (host: MethodHost) => Invoke): DeclaredHandler[] {
    const { bus, directory } = this.parts;
    const own = directory.methods.flatMap((method) =>
      method.declarations
        .filter((declaration) => declaration.bus === bus)
        .map((declaration) => ({ ...method, host: method.wrapper, declaration, invoke: invokeOf(method) })),
    );
    if (nestPatterns === 'without') return own;
    const found = directory.explorer.exploreNestPatterns(bus);
    return [...own, ...found.flatMap((pattern) => this.#ofNest(pattern, invokeOf))];
  }

  /** `@EventPattern` has patterns only: group, pool and the rest are the bus's. What is no topic is some other transport's. */
  #ofNest(found: DiscoveredNestPattern, invokeOf: (host: MethodHost) => Invoke): DeclaredHandler[] {
    const { bus, logger } = this.parts;
    const patterns = found.patterns.filter(isPattern);
    const others = found.patterns.length - patterns.length;
    const name = `${found.className}.${found.methodName}`;
    if (others > 0 && found.isOurs)
      throw new InvalidHandlerError(`${name}: @EventPattern names what is not a topic pattern`);
    if (others > 0) logger.warn(`${name}: ${others} patterns of @EventPattern are no topic patterns and are left out.`);
    if (patterns.length === 0) return [];
    const declaration = { bus, patterns, options: {} };
    return [{ ...found, host: found.wrapper, declaration, invoke: invokeOf(found) }];
  }
}

function listenerOf({ wrapper, methodName, className }: DiscoveredMethod): ResultsListener {
  if (isScoped(wrapper)) {
    throw new InvalidHandlerError(
      `${className}.${methodName}: @OnPublishResults needs a class that exists once, not a request- or transient-scoped one`,
    );
  }
  const { instance } = wrapper;
  const method: ResultsListener['handle'] = Reflect.get(instance, methodName);
  return { name: `${className}.${methodName}`, handle: (results) => method.call(instance, results) };
}

function isPattern(pattern: unknown): pattern is string {
  try {
    assertPattern(pattern);
    return true;
  } catch {
    return false;
  }
}

function notReady(): never {
  throw new InvalidHandlerError('A handler was called before the bus has started');
}
