import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { RequestContext } from '@nestjs/microservices';
import { RequestContextHost } from '@nestjs/microservices/context/request-context-host.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { InvalidHandlerError } from '../core/errors.js';
import type { EventContext } from './event-context.js';
import { directCall, EVENT_PARAMS } from './event-parameters.js';
import type { HandlerMethod, HandlerPipeline } from './handler-pipeline.js';

/** Runs a handler once; see HandlerRegistration. */
export type Invoke = (data: unknown, context: EventContext) => unknown;

/** Where a handler lives. */
export interface MethodHost {
  readonly wrapper: InstanceWrapper<object>;
  readonly methodName: string;
}

/**
 * Makes what runs a handler. One that exists once is prepared here; a request- or transient-scoped one is made anew for each
 * attempt, together with what it injects. A method nothing is bound to is called directly.
 */
export class HandlerInvokers {
  constructor(private readonly pipeline: HandlerPipeline) {}

  create(host: MethodHost): Invoke {
    const { wrapper } = host;
    if (isScoped(wrapper)) return this.#scoped(host);
    return this.#direct(host) ?? this.#through(host);
  }

  /** Undefined when something of Nest's has to run before or after the method. */
  #direct({ wrapper, methodName }: MethodHost): Invoke | undefined {
    const { instance } = wrapper;
    const method = methodOf(instance, methodName);
    const moduleKey = wrapper.host?.token ?? '';
    if (!this.pipeline.isBare(instance, method, moduleKey)) return undefined;
    const call = directCall(this.pipeline.parameters(instance, methodName, moduleKey), instance, method);
    if (!call) return undefined;
    return (data, context) => {
      context.enter();
      return awaited(call(data, context));
    };
  }

  /** What Nest makes of a method waits for its result already; only what a filter answers may be left to be waited for. */
  #through({ wrapper, methodName }: MethodHost): Invoke {
    const { instance } = wrapper;
    const method = methodOf(instance, methodName);
    const isFiltered = this.pipeline.isFiltered(instance, method, wrapper.host?.token ?? '');
    const invoke = this.#proxy(instance, methodName, { filters: isFiltered });
    return isFiltered ? settled(invoke) : invoke;
  }

  #scoped({ wrapper, methodName }: MethodHost): Invoke {
    const moduleRef = moduleRefOf(wrapper);
    return async (data, context) => {
      const request = RequestContextHost.create(context.topic, data, context);
      const contextId = ContextIdFactory.getByRequest(request);
      moduleRef.registerRequestByContextId(requestFor(wrapper, contextId, request), contextId);
      const instance: object = await moduleRef.resolve(tokenOf(wrapper), contextId, { strict: true });
      return settled(this.#proxy(instance, methodName, { contextId, inquirerId: wrapper.id, filters: true }))(
        data,
        context,
      );
    };
  }

  #proxy(instance: object, methodName: string, { contextId, inquirerId, filters }: ProxyOptions): Invoke {
    return this.pipeline.create(
      instance,
      methodOf(instance, methodName),
      methodName,
      ROUTE_ARGS_METADATA,
      EVENT_PARAMS,
      contextId,
      inquirerId,
      { guards: true, interceptors: true, filters },
      'rpc',
    );
  }
}

interface ProxyOptions {
  readonly contextId?: ContextId;
  readonly inquirerId?: string;
  readonly filters: boolean;
}

/** Whether there is no single instance to call. */
export function isScoped(wrapper: InstanceWrapper): boolean {
  return wrapper.isTransient || !wrapper.isDependencyTreeStatic();
}

/** A filter or interceptor may answer with an Observable, and one that errors must not look like success. */
function settled(invoke: Invoke): Invoke {
  return async (data, context) => awaited(await invoke(data, context));
}

function awaited(result: unknown): unknown {
  if (isObservable(result)) return lastValueFrom(result, { defaultValue: undefined });
  return result instanceof Promise ? result.then(awaited) : result;
}

function methodOf(instance: object, name: string): HandlerMethod {
  return Reflect.get(instance, name);
}

/** Nest's types leave abstract classes out of what may be resolved; Nest itself does not. */
function tokenOf({ token }: InstanceWrapper): string | symbol | Function {
  return token;
}

/** A durable provider's context may carry a payload of its own; then that is what `REQUEST` injects. */
function requestFor(wrapper: InstanceWrapper, contextId: ContextId, request: RequestContext): unknown {
  if (wrapper.isDependencyTreeDurable()) return contextId.payload;
  return Object.assign(request, contextId.payload);
}

function moduleRefOf(wrapper: InstanceWrapper): ModuleRef {
  const moduleRef: unknown = wrapper.host?.providers.get(ModuleRef)?.instance;
  if (moduleRef instanceof ModuleRef) return moduleRef;
  throw new InvalidHandlerError(`${wrapper.name} is scoped, and the module it is provided in cannot be found`);
}
