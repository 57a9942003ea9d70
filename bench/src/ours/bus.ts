import 'reflect-metadata';
import { type INestApplicationContext, type LogLevel, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  type EventBusOptions,
  EventBusModule,
  EventBusService,
  type EventContext,
  EventHandler,
  type EventHandlerOptions,
} from 'nestjs-eventbus';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventData, SOURCE } from '../measure/events.js';

/** An application with the bus in it, as a user would write it. */
export interface OpenBus {
  readonly app: INestApplicationContext;
  readonly bus: EventBusService;
  close(): Promise<void>;
}

export type Handle = (data: EventData, event: EventContext) => unknown;

/** @param handlers providers with handlers; none means that it only publishes */
export async function openBus(
  options: EventBusOptions,
  handlers: readonly Type[] = [],
  logger: LogLevel[] = ['error', 'warn'],
): Promise<OpenBus> {
  class App {}
  const consume = handlers.length > 0;
  Module({
    imports: [EventBusModule.forRoot({ source: SOURCE, consume, ...options })],
    providers: [...handlers],
  })(App);
  const app = await NestFactory.createApplicationContext(App, { logger });
  return { app, bus: app.get(EventBusService), close: () => app.close() };
}

/** A handler that is given its data and its context as they are. */
export function bareHandler(topic: string, handle: Handle, options?: EventHandlerOptions): Type {
  class BareHandler {
    @EventHandler(topic, options)
    onEvent(data: EventData, event: EventContext): unknown {
      return handle(data, event);
    }
  }
  return BareHandler;
}

/** A handler with Nest's parameter decorators. */
export function decoratedHandler(topic: string, handle: Handle, options?: EventHandlerOptions): Type {
  class DecoratedHandler {
    @EventHandler(topic, options)
    onEvent(@Payload() data: EventData, @Ctx() event: EventContext): unknown {
      return handle(data, event);
    }
  }
  return DecoratedHandler;
}

/** Resolves when the bus consumes from so many sources. */
export async function untilSources({ bus }: OpenBus, count: number): Promise<void> {
  for (const end = Date.now() + 30_000; bus.snapshot().consumers.length < count; await sleep(5))
    if (Date.now() > end) throw new Error(`the bus has ${bus.snapshot().consumers.length} of ${count} sources`);
}
