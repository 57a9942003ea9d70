import { Deferred } from './core/deferred.js';
import { EventBusError, toError } from './core/errors.js';
import type { HandleRegister } from './core/handle-register.js';
import type { BusLogger } from './core/logger.js';
import type { ConnectionStatus, Subscription, Transport } from './transport/transport.js';

const RETRY_MS = { first: 100, most: 10_000 };

/** What bringing a bus up needs. */
export interface BringUpOptions {
  readonly transport: Transport;
  readonly logger: BusLogger;
  readonly handles: HandleRegister;
  /** What is going to be consumed, as far as it is known when the connection is there. */
  readonly subscriptions: () => readonly Subscription[];
  /** Connected, and what was declared is there: publishes may be sent. */
  readonly onPrepared: () => void;
  /** Consuming, or, without anything to consume, ready. */
  readonly onRunning: () => void;
}

/** Connects, prepares and, once it may, consumes; tries again what trying again can mend. */
export class BringUp {
  readonly #stop = new AbortController();
  readonly #mayConsume = new Deferred<readonly Subscription[]>();
  readonly #prepared = new Deferred<void>();
  readonly #away = new Deferred<void>();
  #done: Promise<void> | undefined;

  constructor(private readonly options: BringUpOptions) {}

  /** Resolves when it runs; rejects for what trying again cannot mend. Further calls get the same answer. */
  begin(): Promise<void> {
    return (this.#done ??= this.#run());
  }

  /** From now on it may consume; nothing at all when there is no subscription. */
  consume(subscriptions: readonly Subscription[]): void {
    this.#mayConsume.resolve(subscriptions);
  }

  /** To be told of every change of the connection. */
  status({ state, error }: ConnectionStatus): void {
    if (state !== 'connected' && error !== undefined) this.#away.resolve();
  }

  /** Resolves when it is prepared; rejects for what trying again cannot mend, and when that takes too long. */
  async prepared(withinMs: number): Promise<void> {
    const isInTime = await this.#before(withinMs, this.#prepared.promise);
    if (isInTime) return;
    const { name, status } = this.options.transport;
    throw new EventBusError('EVENT_BUS_CONNECTION_FAILED', `${name} was not ready within ${withinMs} ms.`, {
      cause: status.error,
      retryable: true,
    });
  }

  /** Resolves when it runs, or when it is clear that this may take a while; rejects for what trying again cannot mend. */
  async settledOrAway(withinMs: number): Promise<void> {
    const isSettled = await this.#before(withinMs, this.#away.promise);
    const { name, status } = this.options.transport;
    if (isSettled && status.state === 'connected') return;
    const what = status.state === 'connected' ? 'takes its time to start' : 'cannot be reached yet';
    this.options.logger.warn(`${name} ${what}; the application goes on without waiting.`, { error: status.error });
  }

  /** Nothing further is begun. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { transport, onPrepared, onRunning, subscriptions } = this.options;
    await transport.connect();
    await this.#untilItWorks('preparing', () => transport.prepare(subscriptions()));
    if (this.#isStopped) return;
    onPrepared();
    this.#prepared.resolve();
    const consumed = await this.#mayConsume.promise;
    if (consumed.length > 0) await this.#untilItWorks('starting to consume', () => transport.consume(consumed));
    if (!this.#isStopped) onRunning();
  }

  async #untilItWorks(what: string, attempt: () => Promise<void>): Promise<void> {
    for (let waitMs = RETRY_MS.first; !this.#isStopped; waitMs = Math.min(2 * waitMs, RETRY_MS.most)) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof EventBusError && error.retryable)) throw error;
        this.options.logger.warn(`${this.options.transport.name}: ${what} failed and is tried again.`, { error });
      }
      await this.#wait(waitMs);
    }
  }

  #wait(waitMs: number): Promise<void> {
    const { signal } = this.#stop;
    const handle = this.options.handles.open('timer', 'next try to start');
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        handle.closed();
        resolve();
      };
      const timer = setTimeout(end, waitMs);
      signal.addEventListener('abort', end);
    });
  }

  /** Whether it happened, or all was done, before the time was over. What fails in the bring-up fails here. */
  #before(withinMs: number, event: Promise<void>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(false), withinMs);
      const happened = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const failed = (error: unknown) => {
        clearTimeout(timer);
        reject(toError(error));
      };
      event.then(happened, failed);
      this.begin().then(happened, failed);
    });
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }
}
