/** What has been counted since the start; plain numbers, never reset. */
export interface Totals {
  /** Attempts that succeeded: one per event and handler. */
  handled: number;
  /** Attempts that failed and are followed by another. */
  retried: number;
  /** Events nobody handles, settled all the same. */
  ignored: number;
  deadLettersStored: number;
  /** Tries to store a dead letter that failed; each is tried again. */
  deadLettersFailed: number;
  /** At-most-once: events settled and then never run. */
  droppedAtMostOnce: number;
  /** At-most-once: handlers that failed, which is the end of it. */
  failedAtMostOnce: number;
  /** Events at which the bus itself failed: unsettled, they come again only when their source is owned anew. */
  defects: number;
  /** Handlers that ran on when their lane did: given up on by `onTimeout: 'dead-letter'`. */
  overlapsAfterTimeout: number;
  /** Handlers that still ran at the deadline of a drain, at shutdown or at a rebalance. */
  overlapsAfterDeadline: number;
  /** Handlers that ran when their source was lost. */
  overlapsAfterLoss: number;
  /** Handlers that ended after they had been given up on; how they ended does not matter any more. */
  endedLate: number;
}

/** Nothing has been counted yet. */
export function noTotals(): Totals {
  return {
    handled: 0,
    retried: 0,
    ignored: 0,
    deadLettersStored: 0,
    deadLettersFailed: 0,
    droppedAtMostOnce: 0,
    failedAtMostOnce: 0,
    defects: 0,
    overlapsAfterTimeout: 0,
    overlapsAfterDeadline: 0,
    overlapsAfterLoss: 0,
    endedLate: 0,
  };
}
