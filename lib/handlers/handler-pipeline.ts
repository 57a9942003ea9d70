import type { CanActivate, PipeTransform } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { Controller } from '@nestjs/common/internal';
import { ApplicationConfig, ExternalContextCreator, type NestContainer } from '@nestjs/core';
import { GuardsContextCreator } from '@nestjs/core/guards/index.js';
import type { ParamProperties } from '@nestjs/core/helpers/context-utils.js';
import type { ParamsFactory } from '@nestjs/core/helpers/external-context-creator.js';
import type { ExternalHandlerMetadata } from '@nestjs/core/helpers/interfaces/external-handler-metadata.interface.js';
import { InterceptorsConsumer, InterceptorsContextCreator } from '@nestjs/core/interceptors/index.js';
import { PipesConsumer, PipesContextCreator } from '@nestjs/core/pipes/index.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { EventContext } from './event-context.js';
import { EventExceptionFilterContext } from './event-exceptions.js';
import { argumentFiller, type HandlerParam } from './handler-arguments.js';
import { HandlerGuards } from './handler-guards.js';
import { CONTEXT, EVENT_PARAMS, UNDECORATED } from './event-parameters.js';

/** A decorated method, whatever it takes and returns. */
export type HandlerMethod = (...args: unknown[]) => void;

type FillNestArguments = (args: unknown[], ...given: unknown[]) => Promise<void>;

/** What Nest waits for when there is nothing to wait for: one for all. */
const AT_ONCE = Promise.resolve();

/**
 * Nest's ExternalContextCreator for event handlers: guards, pipes, interceptors and filters as on any Nest transport, the original
 * error kept. It differs in three ways: the event context learns when the method itself is about to be called, an
 * Observable that ends without a value is a success, and enhancers of the whole application apply only if asked for.
 */
export class HandlerPipeline extends ExternalContextCreator {
  readonly #admission: HandlerGuards;
  readonly #guards: GuardsContextCreator;
  readonly #interceptors: InterceptorsContextCreator;
  readonly #pipes: PipesContextCreator;
  readonly #container: NestContainer;
  readonly #filters: EventExceptionFilterContext;

  constructor(container: NestContainer, globalEnhancers: 'apply' | 'ignore') {
    const config = (globalEnhancers === 'apply' && container.applicationConfig) || new ApplicationConfig();
    const admission = new HandlerGuards();
    const guards = new GuardsContextCreator(container, config);
    const interceptors = new InterceptorsContextCreator(container, config);
    const pipes = new PipesContextCreator(container, config);
    const filters = new EventExceptionFilterContext(container, config);
    super(
      guards,
      admission,
      interceptors,
      new InterceptorsConsumer(),
      container.getModules(),
      pipes,
      new PipesConsumer(),
      filters,
    );
    this.#admission = admission;
    this.#guards = guards;
    this.#interceptors = interceptors;
    this.#pipes = pipes;
    this.#container = container;
    this.#filters = filters;
  }

  /** A method without parameter decorators is given the data and the context, as Nest's transports give it the data. */
  override getMetadata(
    instance: object,
    methodName: string,
    metadataKey?: string,
    factory?: ParamsFactory,
    contextType?: string,
  ): ExternalHandlerMetadata {
    const found = super.getMetadata<unknown, string>(instance, methodName, metadataKey, factory, contextType);
    if (found.argsLength > 0) return found;
    return { ...found, argsLength: UNDECORATED.length, getParamsMetadata: () => UNDECORATED };
  }

  /** Pipes are the last stage before the method: once its arguments are there, it is entered. Bound pipes are for data, not for the context. */
  override createPipesFn(pipes: PipeTransform[], params: HandlerParam[]): FillNestArguments {
    const fillData = argumentFiller(
      withType(params, (type) => type !== CONTEXT),
      pipes,
    );
    const fillContext = argumentFiller(
      withType(params, (type) => type === CONTEXT),
      [],
    );
    return (args, ...given) => {
      const pending = fillData(args, given);
      const all = pending === undefined ? fillContext(args, given) : pending.then(() => fillContext(args, given));
      if (all !== undefined) return all.then(() => enter(given));
      enter(given);
      return AT_ONCE;
    };
  }

  override createGuardsFn(
    guards: CanActivate[],
    instance: Controller,
    callback: HandlerMethod,
    type = 'rpc',
  ): ((args: unknown[]) => Promise<void>) | null {
    const handler = { instance, callback, type };
    return guards.length === 0 ? null : (args) => this.#admission.admit(guards, args, handler) ?? AT_ONCE;
  }

  /** The parameters of a method, by Nest's metadata; those of an undecorated one are data and context. */
  parameters(instance: object, methodName: string, moduleKey: string): readonly ParamProperties[] {
    const { getParamsMetadata } = this.getMetadata(instance, methodName, ROUTE_ARGS_METADATA, EVENT_PARAMS, 'rpc');
    return getParamsMetadata(moduleKey);
  }

  /** Nest looks among providers only, and without its module a class-bound guard of a controller would be left out. */
  override getContextModuleKey(classRef: Function | undefined): string {
    return super.getContextModuleKey(classRef) || this.#controllerModuleKey(classRef);
  }

  override async transformToResult(result: unknown): Promise<unknown> {
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  }

  /** Whether no guard, pipe, interceptor or filter applies to a method, so that it may be called directly. */
  isBare(instance: object, method: HandlerMethod, moduleKey: string): boolean {
    const creators = [this.#guards, this.#interceptors, this.#pipes];
    if (creators.some((creator) => creator.create(instance, method, moduleKey).length > 0)) return false;
    return !this.isFiltered(instance, method, moduleKey);
  }

  /** Whether a filter may apply. */
  isFiltered(instance: object, method: HandlerMethod, moduleKey: string): boolean {
    return !this.#filters.create(instance, method, moduleKey).isEmpty;
  }

  #controllerModuleKey(classRef: Function | undefined): string {
    for (const [key, module] of this.#container.getModules())
      if (classRef && module.controllers.has(classRef)) return key;
    return '';
  }
}

function withType(params: readonly HandlerParam[], isWanted: (type: unknown) => boolean): HandlerParam[] {
  return params.filter(({ type }) => isWanted(type));
}

function enter([, context]: readonly unknown[]): void {
  if (context instanceof EventContext) context.enter();
}
