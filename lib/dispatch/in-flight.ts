import type { Envelope } from '../envelope/envelope.js';
import type { Delivery } from '../transport/transport.js';
import type { OwnedSource } from './owned-source.js';

/** One delivery in hand, whatever the number of handlers that want it. */
export class InFlight {
  /** Handlers that have not ended with it. It leaves our hands when there is none. */
  remaining = 1;

  /** Whether the broker has it settled already: at-most-once, before the first handler starts. */
  isSettled = false;

  /** Whether a handler was dropped unrun: then it is not settled, and comes again. */
  isAbandoned = false;

  /** Whether its body was found to be undecodable: one dead letter for all its handlers. */
  isUndecodable = false;

  /** Its lane in the keyed pool, once it has one. */
  lane: string | undefined;

  /** @param envelope undefined when its metadata could not be read; @param since when it came in, on the monotonic clock */
  constructor(
    readonly delivery: Delivery,
    readonly owned: OwnedSource,
    readonly envelope: Envelope | undefined,
    readonly since: number,
  ) {}
}
