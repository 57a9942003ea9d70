import { AsyncLocalStorage } from 'node:async_hooks';
import type { HandleRegister } from '../core/handle-register.js';
import type { BusLogger } from '../core/logger.js';
import { BackoffWaits } from './backoff-waits.js';
import { Milestones } from './milestones.js';
import type { PublishResult } from './publish-result.js';

/** Results handed over at once. */
const LARGEST_BATCH = 1000;

/** What `@OnPublishResults()` methods are to the relay: takes a batch in; the same batch comes again when it throws or rejects. */
export type PublishResultsHandler = (results: readonly PublishResult[]) => unknown;

/** What the relay is made of. */
export interface ResultRelayContext {
  /** Batches handled at once. */
  readonly workers: number;
  /** Results that may wait before they hold the ACK pool back. */
  readonly resultBufferSize: number;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
}

interface NamedHandler {
  readonly name: string;
  readonly handle: PublishResultsHandler;
}

/**
 * Brings every publish result to every handler, in batches, at least once. A batch is done when all handlers have taken it; the one that
 * throws gets it again. Without handlers it keeps nothing. Results are never refused: what is beyond the buffer takes room of the pool.
 */
export class ResultRelay {
  readonly #handlers: NamedHandler[] = [];
  readonly #backoffs: BackoffWaits;
  /**
   * Whether the code that asks runs within a handler of results. Entered only while such handlers run and disabled in between: below
   * Node 24 a storage that was entered makes every await of the process three times as dear, and each further one adds to it.
   */
  readonly #inside = new AsyncLocalStorage<{ isOver: boolean }>();
  #batches: PublishResult[][] = [];
  #open: PublishResult[] = [];
  /** First number of each batch in hand: results are numbered as they come. */
  readonly #inHand = new Set<number>();
  #added = 0;
  #started = 0;
  #waiting = 0;
  #running = 0;
  #turn: NodeJS.Immediate | undefined;
  readonly #flushes = new Milestones();
  #onRoom: () => void = nothing;
  #isClosed = false;

  constructor(private readonly context: ResultRelayContext) {
    this.#backoffs = new BackoffWaits(context.handles, 'publish results');
  }

  get isActive(): boolean {
    return this.#handlers.length > 0;
  }

  /** Results not handled yet, those in hand included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How many there are beyond the buffer. */
  get overflow(): number {
    return Math.max(0, this.#waiting - this.context.resultBufferSize);
  }

  /** Whether this code was called, directly or later, by a handler that has not ended. */
  get isInside(): boolean {
    return this.isActive && this.#inside.getStore()?.isOver === false;
  }

  /** @param name for the log: `Outbox.markSent` */
  register(name: string, handle: PublishResultsHandler): void {
    this.#handlers.push({ name, handle });
  }

  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  add(result: PublishResult): void {
    if (this.#isClosed) return;
    this.#open.push(result);
    this.#added += 1;
    this.#waiting += 1;
    if (this.#open.length >= LARGEST_BATCH) this.#seal();
    this.#turn ??= setImmediate(() => this.#start());
  }

  /** Resolves when every result so far has been handled. */
  async flush(): Promise<void> {
    const upTo = this.#added;
    if (this.#handledUpTo < upTo && !this.#isClosed) await this.#flushes.wait(upTo);
  }

  /** Starts nothing more and gives up on batches that failed; what was not handled is counted and logged. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearImmediate(this.#turn);
    this.#backoffs.close();
    this.#inside.disable();
    this.#flushes.reached(this.#added);
    if (this.#waiting === 0) return;
    this.context.logger.error(`${this.#waiting} publish results were not handled before the bus closed.`);
  }

  /** Everything below this number has been handled. */
  get #handledUpTo(): number {
    for (const first of this.#inHand) return first;
    return this.#started;
  }

  #seal(): void {
    this.#batches.push(this.#open);
    this.#open = [];
  }

  #start(): void {
    this.#turn = undefined;
    if (this.#open.length > 0 && this.#batches.length < this.context.workers) this.#seal();
    while (this.#running < this.context.workers && !this.#isClosed) {
      const batch = this.#batches.shift();
      if (batch === undefined) return;
      void this.#run(batch);
    }
  }

  async #run(batch: readonly PublishResult[]): Promise<void> {
    const first = this.#started;
    this.#started += batch.length;
    this.#running += 1;
    this.#inHand.add(first);
    await Promise.all(this.#handlers.map((handler) => this.#handle(handler, batch)));
    this.#running -= 1;
    if (this.#running === 0) this.#inside.disable();
    if (this.#isClosed) return;
    this.#inHand.delete(first);
    this.#waiting -= batch.length;
    this.#flushes.reached(this.#handledUpTo);
    this.#start();
    this.#onRoom();
  }

  /** Until it has taken the batch, or the relay is closed. */
  async #handle({ name, handle }: NamedHandler, batch: readonly PublishResult[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const call = { isOver: false };
      try {
        await this.#inside.run(call, handle, batch);
        return;
      } catch (error) {
        const what = `${name} did not take ${batch.length} publish results; it gets them again.`;
        this.context.logger.warn(what, { handler: name, attempt, error });
      } finally {
        call.isOver = true;
      }
      if (!(await this.#backoffs.wait(attempt))) return;
    }
  }
}

function nothing(): void {
  // until the pool listens
}
