import { diagnostics, type RevivalDiagnostic } from '../../../core/diagnostics.js';
import type { Handle, HandleRegister } from '../../../core/handle-register.js';
import type { BusLogger } from '../../../core/logger.js';
import type { DeafSource } from './deafness.js';

/** Looks so often in the time after which a consumer is taken for deaf. */
const LOOKS = 10;
const LONGEST_PATIENCE_MS = 600_000;

/** What the watchdog watches. */
export interface Watched {
  readonly bus: string;
  readonly group: string;
  readonly deafAfterMs: number;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  deaf(): DeafSource | undefined;
  /** Events delivered so far: any more show that a revival has helped. */
  delivered(): number;
  revive(): void;
}

/**
 * Revives a consumer that is connected and alive for its group and gets nothing, although it should. Each revival is counted and
 * logged; one that does not help is followed by the next after twice the time.
 */
export class Watchdog {
  #revivals = 0;
  #patienceMs: number;
  #deliveredBefore = 0;
  readonly #timer: Handle;

  constructor(private readonly watched: Watched) {
    const { deafAfterMs, group, handles } = watched;
    this.#patienceMs = deafAfterMs;
    this.#timer = handles.interval(`kafka watchdog of ${group}`, () => this.#look(), Math.ceil(deafAfterMs / LOOKS));
  }

  get revivals(): number {
    return this.#revivals;
  }

  close(): void {
    this.#timer.closed();
  }

  #look(): void {
    const delivered = this.watched.delivered();
    if (delivered > this.#deliveredBefore) this.#patienceMs = this.watched.deafAfterMs;
    this.#deliveredBefore = delivered;
    const deaf = this.watched.deaf();
    if (deaf === undefined || deaf.silentMs < this.#patienceMs) return;
    this.#patienceMs = Math.min(this.#patienceMs * 2, LONGEST_PATIENCE_MS);
    this.#revive(deaf);
  }

  #revive({ source, silentMs }: DeafSource): void {
    this.#revivals += 1;
    const { bus, group, logger } = this.watched;
    const facts = { group, source: source.name, silentMs: Math.round(silentMs), revivals: this.#revivals };
    logger.warn('A consumer of Kafka is connected but gets nothing; another one is started.', facts);
    if (diagnostics.revival.hasSubscribers) {
      const report: RevivalDiagnostic = { bus, transport: 'kafka', ...facts };
      diagnostics.revival.publish(report);
    }
    this.watched.revive();
  }
}
