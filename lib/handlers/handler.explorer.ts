import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { InvalidHandlerError } from '../core/errors.js';
import type { HandlerDeclaration } from './event-handler.decorator.js';
import { HandlerMetadataAccessor, type NestPattern } from './handler-metadata.accessor.js';
import type { MethodHost } from './handler.invoker.js';

/** A decorated method of a class that the application provides. */
export interface DiscoveredMethod extends MethodHost {
  readonly className: string;
  /** What `@EventHandler` said, for whatever bus. */
  readonly declarations: readonly HandlerDeclaration[];
  /** The buses whose publish results it wants. */
  readonly publishResults: readonly string[];
}

/** A controller's method with Nest's `@EventPattern`. */
export interface DiscoveredNestPattern extends MethodHost, NestPattern {
  readonly className: string;
}

interface DecoratedClass {
  readonly wrapper: InstanceWrapper<object>;
  readonly prototype: object;
  readonly className: string;
}

/** Finds decorated methods on every provider and controller of the application, inherited ones included. */
@Injectable()
export class HandlerExplorer {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(HandlerMetadataAccessor) private readonly accessor: HandlerMetadataAccessor,
  ) {}

  /**
   * All methods with a decorator of this library.
   * @throws InvalidHandlerError when a class that has some is provided more than once: each instance would run for every event
   */
  explore(): DiscoveredMethod[] {
    const wrappers = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    const found = this.#classes(wrappers).flatMap((decorated) => this.#methods(decorated));
    assertProvidedOnce(found);
    return found;
  }

  /** Controllers' methods with `@EventPattern` that a bus's strategy takes; those of `@EventHandler` are left out. */
  exploreNestPatterns(bus: string): DiscoveredNestPattern[] {
    return this.#classes(this.discovery.getControllers()).flatMap(({ wrapper, prototype, className }) =>
      this.scanner.getAllMethodNames(prototype).flatMap((methodName) => {
        const pattern = this.accessor.nestPattern(methodAt(prototype, methodName), bus);
        return pattern ? [{ ...pattern, wrapper, methodName, className }] : [];
      }),
    );
  }

  #classes(wrappers: readonly InstanceWrapper[]): DecoratedClass[] {
    const seen = new Set<unknown>();
    return wrappers.flatMap((wrapper) => {
      const prototype = prototypeOf(wrapper);
      if (wrapper.isAlias || !prototype || seen.has(wrapper.instance ?? wrapper)) return [];
      seen.add(wrapper.instance ?? wrapper);
      return [{ wrapper, prototype, className: prototype.constructor.name }];
    });
  }

  #methods({ wrapper, prototype, className }: DecoratedClass): DiscoveredMethod[] {
    return this.scanner.getAllMethodNames(prototype).flatMap((methodName) => {
      const method = methodAt(prototype, methodName);
      const declarations = this.accessor.declarations(method);
      const publishResults = this.accessor.publishResults(method);
      if (declarations.length === 0 && publishResults.length === 0) return [];
      return [{ wrapper, methodName, className, declarations, publishResults }];
    });
  }
}

function prototypeOf(wrapper: InstanceWrapper): object | undefined {
  if (!wrapper.isNotMetatype) return wrapper.metatype?.prototype;
  const { instance } = wrapper;
  if (!isObject(instance)) return undefined;
  const prototype: object | null = Object.getPrototypeOf(instance);
  return prototype ?? undefined;
}

function methodAt(prototype: object, name: string): object {
  return Reflect.get(prototype, name);
}

function assertProvidedOnce(methods: readonly DiscoveredMethod[]): void {
  const wrapperByPrototype = new Map<unknown, InstanceWrapper<object>>();
  for (const { wrapper, className } of methods) {
    const prototype = prototypeOf(wrapper);
    const other = wrapperByPrototype.get(prototype) ?? wrapper;
    wrapperByPrototype.set(prototype, other);
    if (other !== wrapper) {
      throw new InvalidHandlerError(
        `${className} is provided twice, in ${moduleOf(other)} and in ${moduleOf(wrapper)}: both instances would run for every event. ` +
          'Provide it in one module and export it from there',
      );
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function moduleOf(wrapper: InstanceWrapper): string {
  return wrapper.host?.metatype?.name ?? 'an unknown module';
}
