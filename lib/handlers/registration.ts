import type { Subscription } from '../transport/transport.js';
import type { EventContext } from './event-context.js';
import type { RetryOptions } from './retry-policy.js';

/** What the explorer found of one handler: complete, checked, ready to run. */
export interface HandlerRegistration {
  /** `Ledger.onPlaced`: unique in its bus. */
  readonly name: string;
  readonly group: string;
  readonly patterns: readonly string[];
  /** Only events of this type; undefined = any. */
  readonly type: string | undefined;
  readonly pool: 'keyed' | 'global';
  readonly retry: RetryOptions;
  /** Raises the signal after so many milliseconds. */
  readonly timeoutMs: number;
  readonly onTimeout: 'wait' | 'dead-letter';
  /**
   * Runs it once, through Nest's guards, pipes, interceptors and filters. Calls `context.enter()` right before the method itself. Observables are waited for.
   * Throws or rejects with the original error; returns a promise only when it is asynchronous.
   */
  invoke(data: unknown, context: EventContext): unknown;
}

/** The handlers of one bus, fixed once consuming starts. */
export interface HandlerRegistry {
  /**
   * All handlers of a group that want an event. Every one of them has to succeed. Cached per topic and type, with a bound:
   * types come from outside.
   */
  match(group: string, topic: string, type: string): readonly HandlerRegistration[];
  /** Whether any handler of the group wants this topic, whatever the type. */
  hasTopic(group: string, topic: string): boolean;
  /** What the transport is to consume: one per group. */
  subscriptions(): readonly Subscription[];
  readonly all: readonly HandlerRegistration[];
}
