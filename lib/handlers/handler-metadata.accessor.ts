import { Injectable } from '@nestjs/common';
import { getEventBusTransport, EVENT_HANDLER_METADATA, PUBLISH_RESULTS_METADATA } from './handler.tokens.js';
import type { HandlerDeclaration } from './event-handler.decorator.js';

/** What Nest's own `@EventPattern` writes; @nestjs/microservices does not export the names. */
const NEST = {
  pattern: 'microservices:pattern',
  handlerType: 'microservices:handler_type',
  transport: 'microservices:transport',
  event: 2,
} as const;

/** A method with Nest's `@EventPattern` that a strategy may take. */
export interface NestPattern {
  readonly patterns: readonly unknown[];
  /** Whether it names our transport: then a pattern that is no topic pattern is an error. */
  readonly isOurs: boolean;
}

/** Reads what decorators wrote on a method. */
@Injectable()
export class HandlerMetadataAccessor {
  /** What `@EventHandler` said, the top decorator first; empty for other methods. */
  declarations(method: object): readonly HandlerDeclaration[] {
    return Reflect.getMetadata(EVENT_HANDLER_METADATA, method) ?? [];
  }

  /** The buses whose publish results it wants. */
  publishResults(method: object): readonly string[] {
    return Reflect.getMetadata(PUBLISH_RESULTS_METADATA, method) ?? [];
  }

  /** What `@EventPattern` said, when it is for any transport or for this bus's. */
  nestPattern(method: object, bus: string): NestPattern | undefined {
    if (Reflect.getMetadata(NEST.handlerType, method) !== NEST.event) return undefined;
    const transport: unknown = Reflect.getMetadata(NEST.transport, method);
    const isOurs = transport === getEventBusTransport(bus);
    if (transport !== undefined && transport !== null && !isOurs) return undefined;
    return { patterns: Reflect.getMetadata(NEST.pattern, method) ?? [], isOurs };
  }
}
