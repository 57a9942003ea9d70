import { DEFAULT_BUS } from '../core/tokens.js';
import { appendMetadata } from './event-handler.decorator.js';
import { PUBLISH_RESULTS_METADATA } from './handler.tokens.js';

/** Options of `@OnPublishResults`. */
export interface OnPublishResultsOptions {
  /** The bus whose publishes it hears of. @default 'default' */
  readonly bus?: string;
}

/**
 * Gives the method every publish result of the bus, in batches: `(results: readonly PublishResult[]) => unknown`. What an outbox
 * marks its rows by. Nothing is left out: one that throws gets the same batch again, after a growing wait; when it is too slow
 * and `pools.ack.resultBufferSize` results wait, `publish` waits and `enqueue` says `full`. On providers and controllers that
 * exist once: a request- or transient-scoped class is an error at start.
 */
export function OnPublishResults(options: OnPublishResultsOptions = {}): MethodDecorator {
  return (_target, _key, descriptor) =>
    appendMetadata(PUBLISH_RESULTS_METADATA, options.bus ?? DEFAULT_BUS, descriptor);
}
