import type { HandleRegister } from '../core/handle-register.js';
import type { BusLogger } from '../core/logger.js';
import type { Codec } from '../envelope/codec.js';
import type { HandlerRegistry } from '../handlers/registration.js';
import type { WorkerPool } from '../pools/worker-pool.js';
import type { CreditLimits, LaneLengths } from './credit.js';
import type { DeadLetterPort } from './dead-letter.js';
import type { Settlement } from './settler.js';

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  /** The bus's name, for diagnostics. */
  readonly bus: string;
  readonly codec: Codec;
  readonly registry: HandlerRegistry;
  /** Made with `onDefect: (error, task) => dispatcher.defect(error, task)`. Closed by whoever made them. */
  readonly pools: { readonly global: WorkerPool; readonly keyed: WorkerPool & LaneLengths };
  /** The transport's part of settling. */
  readonly settlement: Settlement;
  readonly deadLetters: DeadLetterPort;
  /** A topic or a type nobody in the group handles: settled and counted, or a dead letter. */
  readonly unmatched: 'ignore' | 'dead-letter';
  readonly deliveryOf: (group: string) => 'at-least-once' | 'at-most-once';
  /** The pools that a group's handlers run in; at least one. */
  readonly poolsOf: (group: string) => readonly ('global' | 'keyed')[];
  /** Read at every use; call `limitsChanged` after a change. */
  readonly limits: CreditLimits;
  /** How long running handlers may take to end when a source moves to another instance, in milliseconds. */
  readonly rebalanceDrainMs: number;
  /** A handler, key or source without progress for longer is stalled, in milliseconds; each has at least twice its handlers' `timeoutMs`. @default 60000 */
  readonly stalledAfterMs?: number;
  readonly logger: BusLogger;
  readonly handles: HandleRegister;
  /** Monotonic milliseconds; the same clock as the pools'. @default performance.now */
  readonly now?: () => number;
  /** From 0 (inclusive) to 1 (exclusive). @default Math.random */
  readonly random?: () => number;
}
