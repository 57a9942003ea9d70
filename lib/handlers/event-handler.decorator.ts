import { DEFAULT_BUS } from '../core/tokens.js';
import { EVENT_HANDLER_METADATA } from './handler.tokens.js';
import type { RetryOptions } from './retry-policy.js';

/** Options of one `@EventHandler`. What belongs to a group (delivery, startFrom) is said once, in `groups` of the module. */
export interface EventHandlerOptions {
  /** The bus it listens to. @default 'default' */
  readonly bus?: string;
  /** Its consumer group. Handlers of one group share its consumers and its progress. @default the bus's `group` */
  readonly group?: string;
  /** Only events of this type; others of the topic are left to other handlers. @default any type */
  readonly type?: string;
  /** `keyed`: events of one key one after another. `global`: each as soon as a worker is free. @default 'keyed' */
  readonly pool?: 'keyed' | 'global';
  /** What differs from the bus's `retry`. @default the bus's */
  readonly retry?: Partial<RetryOptions>;
  /** Raises the handler's signal after so many milliseconds. @default the bus's `handlers.timeoutMs` */
  readonly timeoutMs?: number;
  /** `wait`: lane and worker stay taken until it ends. `dead-letter`: 30 s after the signal it is given up on. @default the bus's `handlers.onTimeout` */
  readonly onTimeout?: 'wait' | 'dead-letter';
}

/** What one decorator said, unchecked. */
export interface HandlerDeclaration {
  readonly bus: string;
  readonly patterns: readonly string[];
  readonly options: EventHandlerOptions;
}

/**
 * Runs the method for every event whose topic matches: on providers and controllers, inherited methods included, several on one method.
 *
 * The method has handled the event when it returns, or when what it returns (a promise, an Observable) ends well. When it throws it is run
 * again by `retry`, then the event becomes a dead letter. Parameters are Nest's `@Payload()` and `@Ctx()`; without any, the method
 * is given `(data, context)`.
 *
 * @param pattern a topic, or one with `*` (one token) and a last `>` (one or more tokens), or a list of them; checked at start
 */
export function EventHandler(pattern: string | readonly string[], options: EventHandlerOptions = {}): MethodDecorator {
  const patterns = typeof pattern === 'string' ? [pattern] : [...pattern];
  const declaration: HandlerDeclaration = { bus: options.bus ?? DEFAULT_BUS, patterns, options };
  return (_target, _key, descriptor) => appendMetadata(EVENT_HANDLER_METADATA, declaration, descriptor);
}

/** Adds to what decorators further down have written; the top one comes first. */
export function appendMetadata(key: symbol, entry: unknown, descriptor: PropertyDescriptor): void {
  const method: object = descriptor.value;
  const earlier: readonly unknown[] = Reflect.getOwnMetadata(key, method) ?? [];
  Reflect.defineMetadata(key, [entry, ...earlier], method);
}
