import { EventBusError } from '../core/errors.js';
import type { HandleRegister } from '../core/handle-register.js';
import type { BusLogger } from '../core/logger.js';
import type { AckPool } from './ack-pool.js';
import type { ResultRelay } from './result-relay.js';

/** Part of the deadline that is kept for handlers of results, and its limit in milliseconds. */
const RESULTS_SHARE = 0.1;
const LONGEST_RESULTS_MS = 1000;

/** What is closed. */
export interface ClosePublishing {
  readonly pool: AckPool;
  readonly relay: ResultRelay;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
}

/** Confirms come in, at the deadline what is left ends, results are handled, and nothing is open any more. */
export async function closePublishing(
  { pool, relay, handles, logger }: ClosePublishing,
  deadlineMs: number,
): Promise<void> {
  const resultsMs = relay.isActive ? Math.min(deadlineMs * RESULTS_SHARE, LONGEST_RESULTS_MS) : 0;
  await within(pool.drained(), deadlineMs - resultsMs, handles);
  const { pending } = pool;
  if (!pool.isEmpty) logger.warn(`${pending} publishes were not confirmed before the bus closed; they end now.`);
  await pool.close(
    new EventBusError('EVENT_BUS_CLOSED', 'The bus closed before the broker confirmed it.', { retryable: true }),
  );
  await within(relay.flush(), resultsMs, handles);
  relay.close();
}

/** Resolves with the promise, or when the time is over. */
async function within(done: Promise<void>, ms: number, handles: HandleRegister): Promise<void> {
  const handle = handles.open('timer', 'publishing closes');
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, timeout]);
  clearTimeout(timer);
  handle.closed();
}
