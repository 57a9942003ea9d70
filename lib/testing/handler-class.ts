import { Injectable, type Type } from '@nestjs/common';
import type { EventContext } from '../handlers/event-context.js';
import { EventHandler, type EventHandlerOptions } from '../handlers/event-handler.decorator.js';

/** A handler without a class of its own. */
export interface TestHandler extends EventHandlerOptions {
  readonly on: string | readonly string[];
  /** Names its class, and so shows in dead letters as `<name>.handle`. @default `Handler<place in the list>` */
  readonly name?: string;
  readonly handle: (data: unknown, event: EventContext) => unknown;
}

/** The provider an application would have written: a class with one decorated method. */
export function handlerClass({ on, name, handle, ...options }: TestHandler, place: number): Type<object> {
  class TestHandlerHost {
    handle(data: unknown, event: EventContext): unknown {
      return handle(data, event);
    }
  }
  Object.defineProperty(TestHandlerHost, 'name', { value: name ?? `Handler${place}` });
  const descriptor = Object.getOwnPropertyDescriptor(TestHandlerHost.prototype, 'handle');
  if (descriptor === undefined) throw new TypeError('A class has lost its method.');
  EventHandler(on, options)(TestHandlerHost.prototype, 'handle', descriptor);
  Injectable()(TestHandlerHost);
  return TestHandlerHost;
}
