import { monotonicNow } from '../../core/clock.js';
import { EventBusError, NotConnectedError } from '../../core/errors.js';
import { isWildcard } from '../../core/pattern.js';
import type { OutgoingMessage } from '../../transport/message.js';
import type {
  ConnectionState,
  ConnectionStatus,
  Delivery,
  Subscription,
  Transport,
  TransportContext,
} from '../../transport/transport.js';
import { Confirms } from './confirms.js';
import type { MemoryBroker } from './memory-broker.js';
import { MemoryConsumer } from './memory-consumer.js';
import { MemorySource } from './memory-source.js';
import { Pump } from './pump.js';

/** One bus's connection to a broker in memory: what a real one does, without the network. */
export class MemoryTransport implements Transport {
  readonly name = 'memory';
  readonly headerPrefix = 'ce-';
  readonly durable = false;
  readonly #pausedGroups = new Set<string>();
  readonly #consumers: MemoryConsumer[] = [];
  readonly #confirms: Confirms;
  readonly #pump: Pump;
  #isAllPaused = false;
  #isDraining = false;
  #status: ConnectionStatus = { state: 'disconnected', since: monotonicNow() };
  #connection: { readonly close: () => void } | undefined;
  #isClosed = false;

  constructor(
    private readonly context: TransportContext,
    private readonly broker: MemoryBroker,
  ) {
    this.#confirms = new Confirms(context.publisher);
    this.#pump = new Pump(
      (delivery) => context.consumer.deliver(delivery),
      (group) => this.#isAllPaused || this.#pausedGroups.has(group),
    );
    this.#pump.stop();
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  get maxMessageBytes(): number {
    return this.broker.options.maxMessageBytes;
  }

  async connect(): Promise<void> {
    if (this.#isClosed) throw new EventBusError('EVENT_BUS_CLOSED', 'The memory transport is closed.');
    if (this.#connection !== undefined) return;
    this.context.logger.log('The memory transport keeps nothing across a restart of this process.');
    this.#enter('connecting');
    const handle = this.context.handles.open('connection', 'memory broker');
    await new Promise<void>((resolve) => {
      const stopListening = this.broker.listen((isReachable) => {
        this.#reached(isReachable);
        if (isReachable) resolve();
      });
      const close = (): void => {
        stopListening();
        handle.closed();
        resolve();
      };
      this.#connection = { close };
      if (!this.broker.isReachable) return;
      this.#reached(true);
      resolve();
    });
  }

  async prepare(subscriptions: readonly Subscription[]): Promise<void> {
    for (const pattern of subscriptions.flatMap(({ patterns }) => patterns)) {
      if (!isWildcard(pattern)) this.broker.declare(this.context.topicPrefix + pattern);
    }
  }

  async consume(subscriptions: readonly Subscription[]): Promise<void> {
    for (const subscription of subscriptions) {
      const consumer = new MemoryConsumer(subscription, this.context, this.broker, this.#pump);
      this.#consumers.push(consumer);
      consumer.join();
    }
  }

  pause(group: string | undefined): void {
    if (group === undefined) this.#isAllPaused = true;
    else this.#pausedGroups.add(group);
  }

  resume(group: string | undefined): void {
    if (group === undefined) {
      this.#isAllPaused = false;
      this.#pausedGroups.clear();
    } else this.#pausedGroups.delete(group);
    this.#pump.unpark();
  }

  settle(delivery: Delivery): void {
    const { source, position } = delivery;
    if (source instanceof MemorySource && 'offset' in position) source.settle(position.offset);
  }

  async settleBefore(deliveries: readonly Delivery[]): Promise<void> {
    const lost = deliveries.find(({ source }) => source.lease() === 'lost');
    if (lost !== undefined || !this.#isConnected) {
      const why = lost === undefined ? 'the broker cannot be reached' : `${lost.source.name} is lost`;
      throw new EventBusError('EVENT_BUS_SETTLE_FAILED', `Cannot settle: ${why}.`, { retryable: true });
    }
    for (const delivery of deliveries) this.settle(delivery);
  }

  async stopFetching(): Promise<void> {
    this.#isDraining = true;
    this.#pump.stop();
  }

  async closeConsumers(): Promise<void> {
    await this.stopFetching();
    for (const consumer of this.#consumers.splice(0)) consumer.leave();
  }

  publish(message: OutgoingMessage, slot: number): void {
    if (this.#isConnected) {
      this.#confirms.add(slot, this.broker.append(this.context.topicPrefix + message.topic, message));
      return;
    }
    this.context.publisher.failed(slot, 'unsent', new NotConnectedError('the memory broker', this.#status.error));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.closeConsumers();
    this.#confirms.flush();
    this.#connection?.close();
    this.#enter('closed');
  }

  details(): Readonly<Record<string, unknown>> {
    return this.broker.usage();
  }

  unwrap(): MemoryBroker {
    return this.broker;
  }

  get #isConnected(): boolean {
    return this.#status.state === 'connected';
  }

  #reached(isReachable: boolean): void {
    this.#enter(isReachable ? 'connected' : 'disconnected');
    if (isReachable && !this.#isDraining) this.#pump.start();
    if (!isReachable) this.#pump.stop();
  }

  #enter(state: ConnectionState): void {
    this.#status = { state, since: monotonicNow() };
    this.context.onStatus(this.#status);
  }
}
