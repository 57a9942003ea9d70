import type { NatsConnection } from '@nats-io/transport-node';
import { monotonicNow } from '../../core/clock.js';
import { NotConnectedError, toError } from '../../core/errors.js';
import type { Handle } from '../../core/handle-register.js';
import type { OutgoingMessage } from '../../transport/message.js';
import type {
  ConnectionStatus,
  Delivery,
  Subscription,
  Transport,
  TransportContext,
} from '../../transport/transport.js';
import { NatsLink } from './connection.js';
import { type ConsumedStream, isCovered, planConsumers, uncoveredPattern } from './consumer-plan.js';
import { NatsConsumers } from './consumers.js';
import type { ConsumerContext } from './consumer.context.js';
import { featuresOf } from './features.js';
import { JetStreamApi } from './jetstream-api.js';
import { NATS } from './nats.errors.js';
import { DEFAULT_NATS_CONNECTION, type ResolvedNatsOptions } from './nats.options.js';
import { NatsPublisher } from './publisher.js';
import { Pause } from './pause.js';
import { Routes } from './routes.js';
import { Settles } from './settles.js';
import { type DeclaredStream, deadLetterStream, declaredStream, ownStreamNames } from './stream-config.js';
import { StreamBirths } from './stream-births.js';
import { StreamWatch } from './stream-watch.js';
import { Topology } from './topology.js';
import { UndeclaredStreams } from './undeclared-streams.js';

const TICK_MS = 250;
const SETTLE_TIMEOUT_MS = 5_000;
const OLDEST_SERVER = '2.9.10';
const DEFAULT_MAX_PAYLOAD = 1_048_576;

/** NATS JetStream behind the port. Holds the parts together; each says what it does. */
export class NatsTransport implements Transport {
  readonly name = 'nats';
  readonly headerPrefix = 'ce-';
  readonly durable = true;
  readonly #link: NatsLink;
  readonly #api: JetStreamApi;
  readonly #topology: Topology;
  readonly #publisher: NatsPublisher;
  readonly #streamWatch: StreamWatch;
  readonly #settles: Settles;
  readonly #consumers: NatsConsumers;
  readonly #pause: Pause;
  readonly #tick: Handle;
  /** Streams that are to be there after each reconnect: those in memory are not. */
  #prepared: DeclaredStream[] = [];
  #consumed: ConsumedStream[] = [];
  #isClosing = false;
  #consumersClosed: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    private readonly options: ResolvedNatsOptions,
    private readonly context: TransportContext,
  ) {
    const { handles, logger, bus, topicPrefix } = context;
    const { inboxPrefix = DEFAULT_NATS_CONNECTION.inboxPrefix, domain } = options.connection;
    this.#link = new NatsLink(options.connection, {
      name: bus,
      handles,
      logger,
      onStatus: (status) => context.onStatus(status),
      onUp: (connection) => this.#up(connection),
      onDown: (error) => this.#down(error),
      onPermissionViolation: (violation) => this.#publisher.refuse(violation),
    });
    this.#pause = new Pause(handles, 'nats retry');
    this.#api = new JetStreamApi(this.#link, domain, this.#pause, () => this.#isClosing);
    this.#streamWatch = new StreamWatch(this.#api, logger, monotonicNow);
    this.#topology = new Topology(this.#api, options.policy, logger);
    const undeclared = new UndeclaredStreams(ownStreamNames(topicPrefix, options.streams), this.#api, logger);
    this.#publisher = new NatsPublisher(
      new Routes(topicPrefix, options.streams),
      context.publisher,
      logger,
      inboxPrefix,
      (stream) => undeclared.met(stream),
    );
    this.#settles = new Settles(inboxPrefix, SETTLE_TIMEOUT_MS, monotonicNow);
    this.#consumers = new NatsConsumers(this.#consumerContext(inboxPrefix));
    this.#tick = handles.interval('nats tick', () => this.#onTick(), TICK_MS);
  }

  get status(): ConnectionStatus {
    return this.#link.status;
  }

  get maxMessageBytes(): number | undefined {
    return this.#link.server?.max_payload;
  }

  connect(): Promise<void> {
    return this.#link.connect();
  }

  async prepare(subscriptions: readonly Subscription[]): Promise<void> {
    const { topicPrefix } = this.context;
    const declared = this.options.streams.map((stream) => declaredStream(topicPrefix, stream));
    const withDead =
      subscriptions.length > 0 ? [...declared, deadLetterStream(topicPrefix, this.options.deadLetters)] : declared;
    await Promise.all(withDead.map((stream) => this.#topology.ensure(stream)));
    await this.#streamWatch.ask(withDead.map(({ name }) => name));
    this.#prepared = withDead;
    this.#consumed = withDead;
    for (const { group, patterns } of subscriptions) for (const pattern of patterns) await this.#cover(group, pattern);
  }

  async consume(subscriptions: readonly Subscription[]): Promise<void> {
    const { topicPrefix } = this.context;
    const { manyFilters } = featuresOf(this.#link.server?.version ?? OLDEST_SERVER);
    const plans = subscriptions.flatMap((subscription) =>
      planConsumers(subscription, this.#consumed, { topicPrefix, manyFilters }),
    );
    await this.#consumers.start(plans, this.#link.connection);
  }

  pause(group: string | undefined): void {
    this.#consumers.pause(group);
  }

  resume(group: string | undefined): void {
    this.#consumers.resume(group);
  }

  settle(delivery: Delivery): void {
    this.#consumers.settle(delivery);
  }

  settleBefore(deliveries: readonly Delivery[]): Promise<void> {
    return this.#consumers.settleBefore(deliveries);
  }

  stopFetching(): Promise<void> {
    return this.#consumers.stop();
  }

  closeConsumers(): Promise<void> {
    this.#consumersClosed ??= this.#consumers.close();
    return this.#consumersClosed;
  }

  publish(message: OutgoingMessage, slot: number): void {
    this.#publisher.publish(message, slot);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  details(): Readonly<Record<string, unknown>> {
    const { server } = this.#link;
    return {
      server:
        server === undefined
          ? undefined
          : { version: server.version, name: server.server_name, cluster: server.cluster },
      unconfirmed: this.#publisher.outstanding,
      streams: this.#streamWatch.fills,
      claims: this.#consumers.claims,
      consumers: this.#consumers.states,
    };
  }

  unwrap(): NatsConnection | undefined {
    return this.#link.connection;
  }

  #consumerContext(inboxPrefix: string): ConsumerContext {
    const { domain } = this.options.connection;
    return {
      options: this.options,
      topicPrefix: this.context.topicPrefix,
      births: new StreamBirths(this.#api),
      inboxPrefix,
      apiPrefix: domain === undefined ? '$JS.API' : `$JS.${domain}.API`,
      api: this.#api,
      port: this.context.consumer,
      settles: this.#settles,
      pause: this.#pause,
      handles: this.context.handles,
      logger: this.context.logger,
      features: () => featuresOf(this.#link.server?.version ?? OLDEST_SERVER),
      maxPayload: () => this.maxMessageBytes ?? DEFAULT_MAX_PAYLOAD,
      now: monotonicNow,
    };
  }

  #onTick(): void {
    this.#consumers.tick();
    if (this.#link.connection !== undefined) this.#streamWatch.tick(this.#prepared.map(({ name }) => name));
  }

  #up(connection: NatsConnection): void {
    this.#publisher.attach(connection);
    this.#settles.attach(connection);
    void this.#goOn(connection);
  }

  #down(error: NotConnectedError | Error): void {
    const cause = error instanceof NotConnectedError ? error : new NotConnectedError(NATS, error);
    this.#publisher.detach(cause);
    this.#settles.detach(cause);
    this.#consumers.cut();
  }

  async #goOn(connection: NatsConnection): Promise<void> {
    try {
      await Promise.all(this.#prepared.map((stream) => this.#topology.ensure(stream)));
    } catch (error) {
      if (!this.#isClosing)
        this.context.logger.error('NATS: after the reconnect the streams are not as declared', {
          error: toError(error),
        });
    }
    this.#consumers.reopen(connection);
  }

  async #cover(group: string, pattern: string): Promise<void> {
    const { topicPrefix, logger } = this.context;
    if (isCovered(pattern, this.#consumed, topicPrefix)) return;
    const foreign = await this.#topology.findForeign(topicPrefix + pattern);
    const known = new Set(this.#consumed.map(({ name }) => name));
    this.#consumed = [...this.#consumed, ...foreign.filter(({ name }) => !known.has(name))];
    if (!isCovered(pattern, this.#consumed, topicPrefix)) throw uncoveredPattern(pattern, group);
    logger.log(`NATS: "${pattern}" is consumed from streams that are not declared here`, {
      streams: foreign.map(({ name }) => name),
    });
  }

  /** Consumers that were told to close before have had their time: a broker that says nothing holds up no more than that. */
  async #close(): Promise<void> {
    const wereTold = this.#consumersClosed !== undefined;
    const closed = this.closeConsumers();
    if (!wereTold) await closed;
    this.#isClosing = true;
    this.#tick.closed();
    this.#pause.end();
    await this.#link.close();
    await closed;
    this.#publisher.detach(new NotConnectedError(NATS));
    this.#pause.close();
  }
}
