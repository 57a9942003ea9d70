import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { monotonicNow } from './core/clock.js';
import { NotOpenError, toError } from './core/errors.js';
import { BusParts } from './event-bus.assembly.js';
import { BringUp } from './event-bus.bring-up.js';
import { ConsumingStart } from './event-bus.consuming.js';
import type { BusHandlers } from './event-bus.handlers.js';
import { nestLogger } from './event-bus.logger.js';
import { Pauses } from './event-bus.pauses.js';
import type { ResolvedOptions } from './event-bus.resolve-options.js';
import { BusShutdown } from './event-bus.shutdown.js';
import { type BusSnapshot, type LifecycleState, snapshotOf } from './event-bus.snapshot.js';
import type { Surroundings } from './event-bus.surroundings.js';
import { BusWatch } from './event-bus.watch.js';
import type { ConnectionStatus } from './transport/transport.js';

/** What a bus's life depends on. */
export interface LifecycleOptions {
  readonly name: string;
  readonly options: ResolvedOptions;
  readonly surroundings: Surroundings;
  /** Asked once the whole application is there. */
  readonly handlers: (parts: BusParts) => BusHandlers;
}

/**
 * The order in which a bus starts and stops:
 *
 * - idle: made; publishes are taken in and wait
 * - starting: from onModuleInit. Connects; creates or checks what was declared; then publishes are sent
 * - running: after every module's bootstrap hook. Events are handled, unless this process only publishes
 * - failed: instead, when something cannot be mended by trying again and the application was up already
 * - draining: before any module's destroy hook. Nothing new comes in, what is in hand is handled and settled
 * - publishing-only: until onApplicationShutdown, when HTTP has closed
 * - closed: every publish has ended, every handle is closed
 *
 * Every step happens once, however often it is asked for.
 */
export class EventBusLifecycle implements OnModuleInit, OnApplicationShutdown {
  readonly parts: BusParts;
  readonly #bringUp: BringUp;
  readonly #consuming: ConsumingStart;
  readonly #handlers: BusHandlers;
  readonly #pauses: Pauses;
  readonly #shutdown: BusShutdown;
  readonly #watch: BusWatch;
  readonly #statusListeners = new Set<(status: ConnectionStatus) => void>();
  #state: LifecycleState = 'idle';
  #stateSince = monotonicNow();
  #failure: Error | undefined;
  #opening: Promise<void> | undefined;
  #bootstrapping: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(private readonly given: LifecycleOptions) {
    const { name, options } = given;
    const logger = nestLogger(name);
    this.parts = new BusParts({ name, options, logger, onStatus: (status) => this.#onStatus(status) });
    this.#handlers = given.handlers(this.parts);
    const { transport, handles } = this.parts;
    this.#pauses = new Pauses(transport);
    this.#watch = new BusWatch({ name, options, parts: this.parts, isPaused: (group) => this.#pauses.has(group) });
    this.#shutdown = new BusShutdown(this.parts, options.shutdownTimeoutMs);
    this.#bringUp = new BringUp({
      transport,
      logger,
      handles,
      subscriptions: () => (this.consumes ? this.parts.registry.subscriptions() : []),
      onPrepared: () => this.parts.openPublishing(),
      onRunning: () => this.#enter('running'),
    });
    this.#consuming = new ConsumingStart({
      ...given,
      parts: this.parts,
      handlers: this.#handlers,
      bringUp: this.#bringUp,
    });
  }

  get name(): string {
    return this.given.name;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Whether this process handles events, or is going to. */
  get consumes(): boolean {
    return this.#consuming.isWanted;
  }

  /** Opens publishing; fails for handlers that cannot be, and, by option, for a broker that is away. */
  onModuleInit(): Promise<void> {
    return (this.#opening ??= this.#failClosed(() => this.#open()));
  }

  /** To be called after every other module's bootstrap hook. */
  bootstrap(): Promise<void> {
    return (this.#bootstrapping ??= this.#failClosed(() => this.#bootstrap()));
  }

  /** The bus's strategy. Once it is given to Nest, it says when consuming begins. */
  adopt(strategy: object): void {
    this.#consuming.adopt(strategy);
  }

  /** The strategy listens. Before the application is initialised: consuming begins once it is. */
  listen(): Promise<void> {
    return this.#consuming.listen();
  }

  /** First phase of shutdown: nothing new comes in, what is in hand is handled and settled. */
  stopConsuming(): Promise<void> {
    return (this.#stopping ??= this.#stopConsuming());
  }

  /** Second phase: what is being published ends, then everything is closed. */
  onApplicationShutdown(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** Tells the latest status at once, then every change. */
  onStatus(listener: (status: ConnectionStatus) => void): void {
    this.#statusListeners.add(listener);
    listener(this.parts.transport.status);
  }

  /** @param group undefined = all */
  pause(group: string | undefined): void {
    this.#assertNotEnding('pause');
    this.#pauses.pause(group);
  }

  /** @param group undefined = all */
  resume(group: string | undefined): void {
    this.#assertNotEnding('resume');
    this.#pauses.resume(group);
  }

  snapshot(): BusSnapshot {
    const facts = {
      bus: this.name,
      group: this.given.options.group,
      state: this.#state,
      stateSince: this.#stateSince,
      failure: this.#failure,
      eventLoop: this.#watch.eventLoop,
      consuming: this.#consuming.isBegun && this.#state === 'running',
      consumesByOption: this.consumes,
    };
    return snapshotOf(this.parts, facts);
  }

  async #open(): Promise<void> {
    const { options } = this.given;
    const { logger, publisher } = this.parts;
    this.#enter('starting');
    this.#consuming.check();
    for (const { name, handle } of this.#handlers.resultsListeners()) publisher.results.register(name, handle);
    publisher.open();
    if (!options.isTransportGiven) logger.log('No transport was given: events stay in the memory of this process.');
    this.#bringUp.begin().catch((error: unknown) => this.#fail(toError(error)));
    if (options.startup === 'require') await this.#bringUp.prepared(options.connectTimeoutMs);
  }

  /** Once the application is up, nobody but health and the log can say so. */
  #fail(error: Error): void {
    if (this.#stopping !== undefined) return;
    this.#failure = error;
    this.parts.failed(error);
    this.#enter('failed');
    this.parts.logger.error('The bus cannot start, and trying again cannot mend it.', { error });
  }

  async #bootstrap(): Promise<void> {
    const isOver = this.#stopping !== undefined;
    if (isOver) return;
    this.#watch.start();
    await this.#consuming.bootstrap();
  }

  async #stopConsuming(): Promise<void> {
    this.#enter('draining');
    this.#shutdown.begin();
    this.#bringUp.stop();
    this.#watch.stop();
    await this.#shutdown.consuming();
    this.#enter('publishing-only');
  }

  async #close(): Promise<void> {
    await this.stopConsuming();
    await this.#shutdown.publishing();
    this.#enter('closed');
    this.#statusListeners.clear();
  }

  /** A start that failed leaves nothing open. */
  async #failClosed(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      await this.onApplicationShutdown();
      throw error;
    }
  }

  #onStatus(status: ConnectionStatus): void {
    this.#bringUp.status(status);
    for (const listener of this.#statusListeners) listener(status);
  }

  #assertNotEnding(what: string): void {
    if (this.#stopping !== undefined) throw new NotOpenError(what, this.#state);
  }

  #enter(state: LifecycleState): void {
    this.#state = state;
    this.#stateSince = monotonicNow();
    this.parts.logger.debug(`The bus is ${state}.`);
  }
}
