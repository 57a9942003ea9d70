import type { ArgumentsHost } from '@nestjs/common';
import type { ContextId } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import { ExternalExceptionsHandler } from '@nestjs/core/exceptions/external-exceptions-handler.js';
import type { RouterProxyCallback } from '@nestjs/core/router/router-proxy.js';

/**
 * Nest's exception filters for events. A filter that returns nothing, now or by its promise, has not handled the exception:
 * it goes on as it was, so that the event is tried again. Nothing is logged here: that is for who decides what becomes of the event.
 */
export class EventExceptionsHandler extends ExternalExceptionsHandler {
  constructor(private readonly found: ExternalExceptionsHandler) {
    super();
  }

  /** Whether Nest found no filter. When it cannot be told, there may be one. */
  get isEmpty(): boolean {
    const filters: unknown = Reflect.get(this.found, 'filters');
    return Array.isArray(filters) && filters.length === 0;
  }

  override async next(exception: Error, host: ArgumentsHost): Promise<unknown> {
    const answer: unknown = await this.found.invokeCustomFilters(exception, host);
    if (answer === undefined) throw exception;
    return answer;
  }
}

/** Finds the filters of a handler; of those bound for the whole application only what its config has. */
export class EventExceptionFilterContext extends ExternalExceptionFilterContext {
  override create(
    instance: object,
    callback: RouterProxyCallback,
    module: string,
    contextId?: ContextId,
    inquirerId?: string,
  ): EventExceptionsHandler {
    return new EventExceptionsHandler(super.create(instance, callback, module, contextId, inquirerId));
  }
}
