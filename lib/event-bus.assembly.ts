import { diagnostics, type TransportStatusDiagnostic } from './core/diagnostics.js';
import { NotConnectedError, type EventBusError } from './core/errors.js';
import { HandleRegister } from './core/handle-register.js';
import type { BusLogger } from './core/logger.js';
import { deadLetterMessage } from './dispatch/dead-letter-message.js';
import { Dispatcher } from './dispatch/dispatcher.js';
import type { Codec } from './envelope/codec.js';
import { EventDefaults } from './envelope/event-defaults.js';
import { PoolLimits } from './event-bus.pool-limits.js';
import { groupSettings, type ResolvedOptions } from './event-bus.resolve-options.js';
import { LateRegistry } from './handlers/late.registry.js';
import { GlobalWorkerPool } from './pools/global-pool.js';
import { KeyedWorkerPool } from './pools/keyed-pool.js';
import { Publisher } from './publishing/publisher.js';
import type { ConnectionStatus, ConsumerPort, Delivery, Transport } from './transport/transport.js';

/** What a bus is put together from. */
export interface AssemblyOptions {
  readonly name: string;
  readonly options: ResolvedOptions;
  readonly logger: BusLogger;
  /** Told of every change of the connection, after the bus's own parts. */
  readonly onStatus: (status: ConnectionStatus) => void;
}

/** The parts of one bus, connected with each other. Nothing runs yet, nothing is open. */
export class BusParts {
  readonly handles = new HandleRegister();
  readonly registry = new LateRegistry();
  readonly logger: BusLogger;
  readonly publisher: Publisher;
  readonly pools: { readonly global: GlobalWorkerPool; readonly keyed: KeyedWorkerPool };
  readonly limits: PoolLimits;
  readonly transport: Transport;
  readonly dispatcher: Dispatcher;
  /** Until what was declared is there, nothing is sent. */
  #isPrepared = false;
  #failure: Error | undefined;

  constructor(private readonly given: AssemblyOptions) {
    const { name, options, logger } = given;
    const { global, keyed, ack } = options.pools;
    const onDefect: Dispatcher['defect'] = (error, task) => this.dispatcher.defect(error, task);
    this.logger = logger;
    this.publisher = new Publisher({ bus: name, ack, handles: this.handles, logger });
    this.pools = {
      global: new GlobalWorkerPool({ workers: global.workers, onDefect }),
      keyed: new KeyedWorkerPool({ workers: keyed.workers, onDefect }),
    };
    this.limits = new PoolLimits(options.pools, this.pools);
    this.transport = this.#createTransport();
    const codec = this.#createCodec();
    this.dispatcher = this.#createDispatcher(codec);
    this.publisher.attach({ transport: this.#sender, codec, defaults: new EventDefaults(options.source) });
  }

  /** Connected, and what was declared is there: what waits is sent. */
  openPublishing(): void {
    this.#isPrepared = true;
    this.publisher.transportStatus(this.transport.status);
  }

  /** It will never be there: what waits to be sent is told why. */
  failed(error: Error): void {
    this.#failure = error;
  }

  #createTransport(): Transport {
    const { name, options, logger } = this.given;
    return options.transport.create({
      bus: name,
      topicPrefix: options.topicPrefix,
      rebalanceDrainMs: options.rebalanceDrainMs,
      consumer: this.#consumer,
      publisher: this.publisher.port,
      handles: this.handles,
      logger,
      onStatus: (status) => this.#onStatus(status),
    });
  }

  #createCodec(): Codec {
    const { codec, maxBodyBytes, maxJsonDepth } = this.given.options;
    return codec.create({ headerPrefix: this.transport.headerPrefix, maxBodyBytes, maxJsonDepth });
  }

  #createDispatcher(codec: Codec): Dispatcher {
    const { name, options, logger } = this.given;
    const { registry, handles, transport, pools, limits } = this;
    return new Dispatcher({
      bus: name,
      codec,
      registry,
      pools,
      limits,
      handles,
      logger,
      settlement: {
        settle: (delivery: Delivery) => transport.settle(delivery),
        settleBefore: (deliveries: readonly Delivery[]) => transport.settleBefore(deliveries),
      },
      deadLetters: { store: (letter) => this.publisher.storeDead(deadLetterMessage(letter)) },
      unmatched: options.unmatched,
      deliveryOf: (group) => groupSettings(options, group).delivery,
      poolsOf: (group) => this.#poolsOf(group),
      rebalanceDrainMs: options.rebalanceDrainMs,
      stalledAfterMs: options.stalledAfterMs,
    });
  }

  /** The transport is made before the dispatcher, and calls it only once it consumes. */
  get #consumer(): ConsumerPort {
    return {
      assigned: (source) => this.dispatcher.assigned(source),
      deliver: (delivery) => this.dispatcher.deliver(delivery),
      revoking: (source) => this.dispatcher.revoking(source),
      lost: (source) => this.dispatcher.lost(source),
    };
  }

  /** The transport, as publishing sees it. */
  get #sender(): Pick<Transport, 'name' | 'publish' | 'maxMessageBytes'> {
    const { transport, publisher } = this;
    return {
      name: transport.name,
      get maxMessageBytes() {
        return transport.maxMessageBytes;
      },
      publish: (message, slot) => {
        if (this.#isPrepared) transport.publish(message, slot);
        else publisher.port.failed(slot, 'unsent', this.#notReady());
      },
    };
  }

  #poolsOf(group: string): readonly ('global' | 'keyed')[] {
    const names = this.registry.all.filter((handler) => handler.group === group).map(({ pool }) => pool);
    return names.length === 0 ? ['keyed'] : [...new Set(names)];
  }

  #onStatus(status: ConnectionStatus): void {
    if (this.#isPrepared) this.publisher.transportStatus(status);
    if (diagnostics.transportStatus.hasSubscribers) this.#publishStatus(status);
    this.given.onStatus(status);
  }

  #publishStatus({ state, error }: ConnectionStatus): void {
    const { name: bus, options } = this.given;
    const report: TransportStatusDiagnostic = { bus, transport: options.transport.name, status: state, error };
    diagnostics.transportStatus.publish(report);
  }

  #notReady(): EventBusError {
    return new NotConnectedError(this.transport.name, this.#failure ?? this.transport.status.error);
  }
}
