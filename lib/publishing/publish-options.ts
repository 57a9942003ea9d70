import type { EventOptions } from '../envelope/event-options.js';

/** Options of `publish` and `enqueue`: the event's own, and how long to try. */
export interface PublishOptions extends EventOptions {
  /** Aborts waiting: before the event was sent it ends `rejected`, afterwards `unknown`. @default none */
  readonly signal?: AbortSignal | undefined;
  /** After so many milliseconds without a confirm it ends: `unknown`, or `rejected` when it was never sent. @default `pools.ack.timeoutMs` */
  readonly timeoutMs?: number | undefined;
}
