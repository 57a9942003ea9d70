import { EventBusError } from './core/errors.js';
import type { BusParts } from './event-bus.assembly.js';
import type { BringUp } from './event-bus.bring-up.js';
import type { BusHandlers } from './event-bus.handlers.js';
import type { ResolvedOptions } from './event-bus.resolve-options.js';
import type { Surroundings } from './event-bus.surroundings.js';

/** What the begin of consuming depends on. */
export interface ConsumingOptions {
  readonly parts: BusParts;
  readonly options: ResolvedOptions;
  readonly surroundings: Surroundings;
  readonly handlers: BusHandlers;
  readonly bringUp: BringUp;
}

/** Whether, when and with which handlers a bus begins to consume: after every bootstrap hook, and, with a connected strategy, when that listens. */
export class ConsumingStart {
  /** Connected or not. */
  #strategy: object | undefined;
  #isListening = false;
  #isBootstrapped = false;
  #hasSubscriptions = false;
  #begun: Promise<void> | undefined;
  /** Whether it was begun without a connected strategy. */
  #isOnItsOwn = false;

  constructor(private readonly given: ConsumingOptions) {}

  /** Whether this process handles events, or is going to. */
  get isWanted(): boolean {
    const { options, surroundings } = this.given;
    return options.consume ?? !surroundings.isApplicationContext;
  }

  /** Whether it was begun, and there is something to handle. */
  get isBegun(): boolean {
    return this.#hasSubscriptions;
  }

  /** The bus's strategy. Once it is given to Nest, it says when consuming begins. */
  adopt(strategy: object): void {
    this.#strategy = strategy;
  }

  /**
   * All handlers there are going to be, not ready to run yet.
   * @throws InvalidHandlerError
   */
  check(): void {
    this.given.parts.registry.use(this.given.handlers.check(this.#nestPatterns));
  }

  /** Every other module has started: begins, unless a connected strategy is to say when. */
  async bootstrap(): Promise<void> {
    const { logger } = this.given.parts;
    this.#isBootstrapped = true;
    if (!this.isWanted) logger.log('This process only publishes: no event is handled here.');
    const waitsForStrategy = this.isWanted && this.#isConnected && !this.#isListening;
    if (waitsForStrategy) logger.log('Events are handled once the connected strategy listens (startAllMicroservices).');
    else await this.#begin();
  }

  /**
   * The strategy listens. Before the application is initialised: consuming begins once it is.
   * @throws EventBusError EVENT_BUS_UNSUPPORTED when it was connected after that: then events are handled already, without `@EventPattern`
   */
  async listen(): Promise<void> {
    if (this.#isOnItsOwn) throw connectedTooLate();
    this.#isListening = true;
    if (this.#isBootstrapped) await this.#begin();
  }

  #begin(): Promise<void> {
    return (this.#begun ??= this.#consume());
  }

  async #consume(): Promise<void> {
    const { options, surroundings, parts, handlers, bringUp } = this.given;
    this.#isOnItsOwn = !this.#isConnected;
    const isGlobal = options.handlers.globalEnhancers || (this.#isConnected && surroundings.isMicroservice);
    if (this.isWanted) parts.registry.use(handlers.prepare(this.#nestPatterns, isGlobal ? 'apply' : 'ignore'));
    const subscriptions = this.isWanted ? parts.registry.subscriptions() : [];
    this.#hasSubscriptions = subscriptions.length > 0;
    bringUp.consume(subscriptions);
    await bringUp.settledOrAway(options.connectTimeoutMs);
  }

  get #nestPatterns(): 'with' | 'without' {
    return this.#isConnected ? 'with' : 'without';
  }

  get #isConnected(): boolean {
    return this.#strategy !== undefined && this.given.surroundings.isConnected(this.#strategy);
  }
}

function connectedTooLate(): EventBusError {
  return new EventBusError(
    'EVENT_BUS_UNSUPPORTED',
    'The strategy was connected after the application had been initialised: call connectMicroservice before app.init() and app.listen().',
  );
}
