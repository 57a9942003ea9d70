import { type MonotonicClock, monotonicNow } from '../core/clock.js';
import { EventBusError, NotOpenError, toError } from '../core/errors.js';
import { InvalidEventError } from '../envelope/envelope.errors.js';
import type { OutgoingMessage } from '../transport/message.js';
import type { ConnectionStatus, PublisherPort } from '../transport/transport.js';
import { AckPool } from './ack-pool.js';
import { closePublishing } from './close-publishing.js';
import { EventWriter } from './event-writer.js';
import { PendingPublish, type PublishedEvent, sizeOf } from './pending-publish.js';
import { FullError, PublishAbortedError, PublishRejectedError, PublishUnknownError } from './publish.errors.js';
import { PublishLedger, type PublishTotals } from './publish-ledger.js';
import type { PublishOptions } from './publish-options.js';
import type { ConfirmedPublish, EnqueueResult, PublishRequest, PublishResult } from './publish-result.js';
import type { AckSnapshot, PublisherContext, PublisherRoute } from './publisher.options.js';
import { ResultRelay } from './result-relay.js';

type OnEnd = (result: PublishResult) => void;
type PublisherState = 'not open yet' | 'open' | 'closing' | 'closed';

/** The way of an event out: checked, encoded, taken into the ACK pool, sent, confirmed, told to whoever wants to know. */
export class Publisher {
  /** `@OnPublishResults()` methods are registered here, before `open`. */
  readonly results: ResultRelay;
  readonly #context: PublisherContext;
  readonly #now: MonotonicClock;
  readonly #pool: AckPool;
  readonly #ledger: PublishLedger;
  readonly #full: FullError;
  #writer: EventWriter | undefined;
  #state: PublisherState = 'not open yet';
  #closing: Promise<void> | undefined;

  constructor(context: PublisherContext) {
    const { ack, handles, logger, now = monotonicNow } = context;
    this.#context = context;
    this.#now = now;
    this.results = new ResultRelay({ ...ack, handles, logger });
    this.#ledger = new PublishLedger(context.bus, this.results, now);
    this.#pool = new AckPool({ bounds: ack, handles, ledger: this.#ledger, now });
    this.#full = new FullError(ack);
  }

  /** What the transport answers to. */
  get port(): PublisherPort {
    return this.#pool;
  }

  get snapshot(): AckSnapshot {
    const { pending, pendingBytes, oldestSince } = this.#pool;
    const { recentLatencyMs } = this.#ledger;
    return { pending, pendingBytes, oldestSince, recentLatencyMs, resultsWaiting: this.results.waiting };
  }

  get totals(): PublishTotals {
    return this.#ledger.totals;
  }

  /** To be called once, before `open`. */
  attach({ transport, codec, defaults }: PublisherRoute): void {
    this.#pool.attach(transport);
    this.#writer = new EventWriter(codec, defaults, transport);
  }

  open(): void {
    if (this.#state === 'not open yet') this.#state = 'open';
  }

  /** To be called at every change of the connection: what failed is sent again at once when it is back. */
  transportStatus(status: Pick<ConnectionStatus, 'state'>): void {
    this.#pool.transportStatus(status);
  }

  /**
   * Publishes one event; waits for room in the ACK pool.
   * @returns a promise of the broker's confirm
   * @throws NotOpenError, what `EventWriter.write` throws, PublishRejectedError, PublishUnknownError, FullError (only within a handler of results)
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<ConfirmedPublish> {
    return new Promise((resolve, reject) => {
      const event = this.#write(topic, data, options);
      this.#submit(event, options, settling(resolve, reject));
    });
  }

  /**
   * Publishes events in their order. What is wrong with one of them is in its result and touches no other.
   * @returns one result an event, at its index
   * @throws NotOpenError
   */
  async publishMany(requests: readonly PublishRequest<PublishOptions>[]): Promise<PublishResult[]> {
    this.#assertOpen();
    if (requests.length === 0) return [];
    const results = Array.from<PublishResult>({ length: requests.length });
    return new Promise((resolve) => {
      let left = requests.length;
      const end = (index: number, result: PublishResult): void => {
        results[index] = result;
        left -= 1;
        if (left === 0) resolve(results);
      };
      requests.forEach((request, index) => this.#publishOne(request, (result) => end(index, result)));
    });
  }

  /** Takes an event in at once, or says why not, and then keeps nothing of it. How it ends is a publish result. Never throws. */
  enqueue(topic: string, data: unknown, options?: PublishOptions): EnqueueResult {
    if (this.#state !== 'open') return { accepted: false, reason: 'closing', error: this.#notOpen() };
    if (!this.#pool.hasRoom(0)) return { accepted: false, reason: 'full', error: this.#full };
    try {
      const event = this.#write(topic, data, options);
      if (!this.#pool.hasRoom(event.sizeBytes)) return { accepted: false, reason: 'full', error: this.#full };
      this.#submit(event, options, undefined);
      return { accepted: true, id: event.message.id };
    } catch (error) {
      return { accepted: false, reason: 'invalid', error: toError(error) };
    }
  }

  /**
   * Resolves when all publishes so far have ended and their results have been handled.
   * @throws EventBusError EVENT_BUS_UNSUPPORTED within a handler of results, which would wait for itself
   */
  async flush(): Promise<void> {
    if (this.results.isInside) {
      throw new EventBusError(
        'EVENT_BUS_UNSUPPORTED',
        'A handler of publish results cannot wait for itself in flush().',
      );
    }
    await this.#pool.flush();
    await this.results.flush();
  }

  /**
   * Stores a dead letter through a reserved slot, whatever its size and however full the pool is; until `close` has ended.
   * @throws NotOpenError, PublishRejectedError, PublishUnknownError
   */
  storeDead(message: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#writer === undefined || this.#state === 'closed') throw this.#notOpen();
      const dead = { message: { ...message, dead: true }, type: 'dead-letter', sizeBytes: sizeOf(message) };
      this.#pool.submitDead(
        this.#pendingOf(
          dead,
          undefined,
          settling(() => resolve(), reject),
        ),
      );
    });
  }

  /** Takes nothing new, waits for outstanding confirms, and at the deadline ends what is left. Idempotent. @param deadlineMs from now */
  close(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closing';
    await closePublishing({ ...this.#context, pool: this.#pool, relay: this.results }, deadlineMs);
    this.#state = 'closed';
  }

  #publishOne({ topic, data, options }: PublishRequest<PublishOptions>, end: (result: PublishResult) => void): void {
    try {
      this.#submit(this.#write(topic, data, options), options, end);
    } catch (error) {
      const { id = '', key, type = topic } = options ?? {};
      end({ outcome: 'rejected', id, topic, key, type, time: Date.now(), error: toError(error) });
    }
  }

  #write(topic: string, data: unknown, options: PublishOptions | undefined): PublishedEvent {
    if (this.#state !== 'open' || this.#writer === undefined) throw this.#notOpen();
    const { timeoutMs } = options ?? {};
    if (timeoutMs !== undefined && !(timeoutMs > 0)) throw new InvalidEventError('timeoutMs', 'must be above 0');
    return this.#writer.write(topic, data, options);
  }

  #submit(event: PublishedEvent, options: PublishOptions | undefined, onEnd: OnEnd | undefined): void {
    if (this.results.isInside && !this.#pool.hasRoom(event.sizeBytes)) throw this.#full;
    const signal = options?.signal;
    if (signal === undefined) this.#pool.submit(this.#pendingOf(event, options, onEnd));
    else this.#submitAbortable(event, options, { signal, onEnd });
  }

  #submitAbortable(
    event: PublishedEvent,
    options: PublishOptions | undefined,
    { signal, onEnd }: { readonly signal: AbortSignal; readonly onEnd: OnEnd | undefined },
  ): void {
    const abort = (): void => this.#pool.giveUp(pending, new PublishAbortedError(signal.reason));
    const pending = this.#pendingOf(event, options, (result) => {
      signal.removeEventListener('abort', abort);
      onEnd?.(result);
    });
    if (signal.aborted) {
      this.#ledger.failed(pending, 'rejected', new PublishAbortedError(signal.reason));
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    this.#pool.submit(pending);
  }

  #pendingOf(event: PublishedEvent, options: PublishOptions | undefined, onEnd: OnEnd | undefined): PendingPublish {
    const startedAt = this.#now();
    const deadline = startedAt + (options?.timeoutMs ?? this.#context.ack.timeoutMs);
    return new PendingPublish(event, { startedAt, deadline, onEnd });
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw this.#notOpen();
  }

  #notOpen(): NotOpenError {
    return new NotOpenError('publish', this.#state);
  }
}

/** Ends a promise with a result. */
function settling(resolve: (result: ConfirmedPublish) => void, reject: (error: Error) => void): OnEnd {
  return (result) => {
    if (result.outcome === 'confirmed') resolve(result);
    else reject(result.outcome === 'unknown' ? new PublishUnknownError(result) : new PublishRejectedError(result));
  };
}
