import { EventBusError } from '../../core/errors.js';
import type { OutgoingMessage } from '../../transport/message.js';
import type {
  ConsumerPort,
  Credit,
  Delivery,
  PublisherPort,
  Source,
  Transport,
  TransportContext,
  TransportFactory,
} from '../../transport/transport.js';

/** What passed the port, in order. Sequence numbers of deliveries are not kept: their topics and positions say enough. */
export type PortEvent =
  | { readonly kind: 'publish' | 'confirmed' | 'failed'; readonly topic: string; readonly id: string }
  | { readonly kind: 'deliver' | 'settle' | 'settle-before'; readonly topic: string; readonly position: string };

const NO_CREDIT: Credit = { messages: 0, bytes: 0 };

/**
 * Sits between the bus and a transport: notes what passes, and can crash the instance: the transport is closed without any further
 * settle, publish or drain, and nothing that happens afterwards reaches the broker.
 */
export class TransportSpy {
  readonly events: PortEvent[] = [];
  readonly #inHand = new Set<Delivery>();
  readonly #sources = new Set<Source>();
  readonly #messages = new Map<number, OutgoingMessage>();
  #consumer: ConsumerPort | undefined;
  #transport: Transport | undefined;
  #isCrashed = false;
  /** The most deliveries in hand at once. */
  maxInHand = 0;

  /** The same transport, watched. May be created once. */
  watch(factory: TransportFactory): TransportFactory {
    return {
      name: factory.name,
      durable: factory.durable,
      validate: () => factory.validate(),
      create: (context) => this.#create(factory, context),
    };
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /** Sources owned now. */
  get sources(): ReadonlySet<Source> {
    return this.#sources;
  }

  /** As if the process had died: what was not settled so far never will be. */
  async crash(): Promise<void> {
    this.#isCrashed = true;
    for (const source of this.#sources) this.#lost(source);
    await this.#transport?.close();
  }

  #create(factory: TransportFactory, context: TransportContext): Transport {
    this.#consumer = context.consumer;
    const inner = factory.create({
      ...context,
      consumer: this.#watchedConsumer(context.consumer),
      publisher: this.#watchedPublisher(context.publisher),
    });
    this.#transport = inner;
    return overlay(inner, {
      settle: (delivery) => this.#settle(inner, delivery),
      settleBefore: (deliveries) => this.#settleBefore(inner, deliveries),
      publish: (message, slot) => this.#publish(inner, message, slot),
    });
  }

  #watchedConsumer(consumer: ConsumerPort): ConsumerPort {
    return {
      assigned: (source) => {
        if (this.#isCrashed) return NO_CREDIT;
        this.#sources.add(source);
        return consumer.assigned(source);
      },
      deliver: (delivery) => {
        if (this.#isCrashed) return;
        this.#note('deliver', delivery);
        this.#inHand.add(delivery);
        this.maxInHand = Math.max(this.maxInHand, this.#inHand.size);
        consumer.deliver(delivery);
      },
      revoking: async (source) => {
        if (!this.#isCrashed) await consumer.revoking(source);
      },
      lost: (source) => this.#lost(source),
    };
  }

  #watchedPublisher(publisher: PublisherPort): PublisherPort {
    return {
      confirmed: (slot, position, duplicate) => {
        this.#answered('confirmed', slot);
        publisher.confirmed(slot, position, duplicate);
      },
      failed: (slot, how, error) => {
        this.#answered('failed', slot);
        publisher.failed(slot, how, error);
      },
    };
  }

  #settle(inner: Transport, delivery: Delivery): void {
    this.#inHand.delete(delivery);
    if (this.#isCrashed) return;
    this.#note('settle', delivery);
    inner.settle(delivery);
  }

  async #settleBefore(inner: Transport, deliveries: readonly Delivery[]): Promise<void> {
    if (this.#isCrashed) throw new EventBusError('EVENT_BUS_SETTLE_FAILED', 'The instance has crashed.');
    await inner.settleBefore(deliveries);
    for (const delivery of deliveries) {
      this.#inHand.delete(delivery);
      this.#note('settle-before', delivery);
    }
  }

  #publish(inner: Transport, message: OutgoingMessage, slot: number): void {
    if (this.#isCrashed) return;
    this.#messages.set(slot, message);
    this.events.push({ kind: 'publish', topic: message.topic, id: message.id });
    inner.publish(message, slot);
  }

  #answered(kind: 'confirmed' | 'failed', slot: number): void {
    const message = this.#messages.get(slot);
    if (message !== undefined) this.events.push({ kind, topic: message.topic, id: message.id });
  }

  #lost(source: Source): void {
    this.#sources.delete(source);
    for (const delivery of this.#inHand) if (delivery.source === source) this.#inHand.delete(delivery);
    this.#consumer?.lost(source);
  }

  #note(kind: 'deliver' | 'settle' | 'settle-before', { message, position }: Delivery): void {
    this.events.push({ kind, topic: message.topic, position: JSON.stringify(position) });
  }
}

/** The object with some of its methods replaced; everything else runs on the object itself. */
function overlay<T extends object>(inner: T, replaced: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name) as unknown;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
