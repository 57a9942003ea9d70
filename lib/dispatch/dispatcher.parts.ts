import { monotonicNow } from '../core/clock.js';
import { RunningAttempts } from './attempts.js';
import { CreditBook } from './credit.js';
import { DeadLetters } from './dead-letters.js';
import type { DispatcherOptions } from './dispatcher.options.js';
import type { InFlight } from './in-flight.js';
import { LeftBehindReport } from './left-behind.js';
import { Overlaps } from './overlaps.js';
import { Ownership } from './ownership.js';
import { Runner } from './runner.js';
import { SettleFirst } from './settle-first.js';
import { Settler } from './settler.js';
import { StallWatch } from './stall-watch.js';
import { noTotals } from './totals.js';
import type { Totals } from './totals.js';

/** The stages of a message's path, and what they share. */
export interface DispatcherParts {
  readonly now: () => number;
  readonly totals: Totals;
  readonly credit: CreditBook;
  readonly settler: Settler;
  readonly deadLetters: DeadLetters;
  readonly runner: Runner;
  readonly ownership: Ownership;
  readonly report: LeftBehindReport;
  readonly stalls: StallWatch;
}

/** The least time without progress that is called a stall, in milliseconds. */
export const DEFAULT_STALLED_AFTER_MS = 60_000;

/** Puts a dispatcher's parts together. @param submit where an at-most-once event goes on once it is settled */
export function assemble(options: DispatcherOptions, submit: (inFlight: InFlight) => void): DispatcherParts {
  const {
    bus,
    codec,
    pools,
    handles,
    logger,
    settlement,
    registry,
    now = monotonicNow,
    random = Math.random,
    stalledAfterMs = DEFAULT_STALLED_AFTER_MS,
  } = options;
  const totals = noTotals();
  const credit = new CreditBook(options.limits, pools.keyed, logger);
  const settler = new Settler({ bus, settlement, credit, totals });
  const deadLetters = new DeadLetters({ bus, port: options.deadLetters, totals, logger, now, random });
  const overlaps = new Overlaps(bus, totals);
  const report = new LeftBehindReport(bus, logger, now);
  const shortestTimeoutMs = () => Math.min(...registry.all.map(({ timeoutMs }) => timeoutMs));
  const runner = new Runner({
    bus,
    codec,
    settler,
    deadLetters,
    totals,
    overlaps,
    logger,
    now,
    random,
    attempts: (end) => new RunningAttempts({ end, handles, now, shortestTimeoutMs }),
  });
  const ownership = new Ownership({
    credit,
    runner,
    overlaps,
    report,
    handles,
    now,
    pools: [pools.global, pools.keyed],
    rebalanceDrainMs: options.rebalanceDrainMs,
    deliveryOf: options.deliveryOf,
    poolsOf: options.poolsOf,
    settleFirst: (owned) => new SettleFirst({ owned, settlement, settler, handles, logger, random, submit }),
  });
  const stalls = new StallWatch({ bus, registry, stalledAfterMs, logger, now, credit, runner, ownership, pools });
  return { now, totals, credit, settler, deadLetters, runner, ownership, report, stalls };
}
