import { DEFAULT_BUS } from '../core/tokens.js';

/** Metadata key of what `@EventHandler` wrote on a method: a list of HandlerDeclaration. */
export const EVENT_HANDLER_METADATA = Symbol('nestjs-eventbus:handler');

/** Metadata key of what `@OnPublishResults` wrote on a method: a list of bus names. */
export const PUBLISH_RESULTS_METADATA = Symbol('nestjs-eventbus:publish-results');

/**
 * Transport id of a bus's strategy: what `@EventPattern(topic, getEventBusTransport())` binds to, so that no other transport
 * of a hybrid application takes it. The same symbol for the same name, always.
 */
export function getEventBusTransport(bus: string = DEFAULT_BUS): symbol {
  return Symbol.for(`nestjs-eventbus:${bus}`);
}
