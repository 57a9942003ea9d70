import type { ArgumentsHost } from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA } from '@nestjs/common/constants.js';
import type { ExceptionFilterMetadata } from '@nestjs/common/internal';
import type { ContextId } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import { ExternalExceptionsHandler } from '@nestjs/core/exceptions/external-exceptions-handler.js';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants.js';

/**
 * Nest's exception filters for events. A filter that returns nothing, now or by its promise, has not handled the exception:
 * it goes on as it was, so that the event is tried again. Nothing is logged here: that is for who decides what becomes of the event.
 */
export class EventExceptionsHandler extends ExternalExceptionsHandler {
  #isEmpty = true;

  /** Whether no filter was found. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  override setCustomFilters(filters: ExceptionFilterMetadata[]): void {
    super.setCustomFilters(filters);
    this.#isEmpty = filters.length === 0;
  }

  override async next(exception: Error, host: ArgumentsHost): Promise<unknown> {
    const answer: unknown = await this.invokeCustomFilters(exception, host);
    if (answer === undefined) throw exception;
    return answer;
  }
}

/** Finds the filters of a handler; of those bound for the whole application only what its config has. */
export class EventExceptionFilterContext extends ExternalExceptionFilterContext {
  override create(
    instance: object,
    callback: (...args: unknown[]) => void,
    module: string,
    contextId: ContextId = STATIC_CONTEXT,
    inquirerId?: string,
  ): EventExceptionsHandler {
    this.moduleContext = module;
    const handler = new EventExceptionsHandler();
    const filters = this.createContext<unknown[], ExceptionFilterMetadata[]>(
      instance,
      callback,
      EXCEPTION_FILTERS_METADATA,
      contextId,
      inquirerId,
    );
    handler.setCustomFilters(filters.toReversed());
    return handler;
  }
}
