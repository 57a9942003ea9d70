import { HandleRegister } from '../../core/handle-register.js';
import { SILENT_LOGGER } from '../../core/logger.js';
import type { OutgoingMessage, Position } from '../../transport/message.js';
import type { Credit, Delivery, Source, Subscription, Transport, TransportFactory } from '../../transport/transport.js';

/** How a probe behaves. */
export interface PortProbeOptions {
  /** Messages a source may have in hand. @default 1000 */
  readonly credit?: number;
  /** @default 'at-once' */
  readonly settling?: 'at-once' | 'by-hand';
  /** What a revoke waits for. @default nothing */
  readonly drain?: (source: Source) => Promise<void>;
  /** Told of each. @default nobody is told */
  readonly assigned?: (source: Source) => void;
  readonly lost?: (source: Source) => void;
}

/** How a publish was answered. */
export type PortAnswer =
  | { readonly slot: number; readonly position: Position; readonly duplicate: boolean }
  | { readonly slot: number; readonly how: 'unsent' | 'unknown' | 'rejected'; readonly error: Error };

const CREDIT_BYTES = 16 * 1024 * 1024;

/** The least bus there is: grants credit, takes deliveries, settles or does not, notes everything. For what the public API hides. */
export class PortProbe {
  readonly transport: Transport;
  readonly handles = new HandleRegister();
  readonly deliveries: Delivery[] = [];
  readonly answers: PortAnswer[] = [];
  /** Sources owned now. */
  readonly sources = new Set<Source>();
  /** The most messages of one source in hand at once. */
  maxInHand = 0;
  /** The most one fetch may pass the credit, in bytes. */
  fetchBytes = 0;
  readonly #inHand = new Map<Source, Set<Delivery>>();
  readonly #options: PortProbeOptions;

  constructor(factory: TransportFactory, options: PortProbeOptions = {}) {
    this.#options = options;
    this.transport = factory.create({
      bus: 'contract',
      topicPrefix: '',
      rebalanceDrainMs: 10_000,
      handles: this.handles,
      logger: SILENT_LOGGER,
      onStatus: () => undefined,
      consumer: {
        assigned: (source) => this.#assigned(source),
        deliver: (delivery) => this.#deliver(delivery),
        revoking: async (source) => this.#options.drain?.(source),
        lost: (source) => this.#lost(source),
      },
      publisher: {
        confirmed: (slot, position, duplicate) => void this.answers.push({ slot, position, duplicate }),
        failed: (slot, how, error) => void this.answers.push({ slot, how, error }),
      },
    });
  }

  /** Connects, and consumes if it is told what. */
  async start(
    ...subscriptions: readonly (Partial<Subscription> & Pick<Subscription, 'group' | 'patterns'>)[]
  ): Promise<void> {
    const complete = subscriptions.map((given): Subscription => {
      return { startFrom: 'earliest', delivery: 'at-least-once', ordering: 'key', ...given };
    });
    await this.transport.connect();
    await this.transport.prepare(complete);
    if (complete.length > 0) await this.transport.consume(complete);
  }

  publish(message: Pick<OutgoingMessage, 'topic' | 'id'> & Partial<OutgoingMessage>, slot: number): void {
    this.transport.publish({ key: undefined, body: '', headers: [], ...message }, slot);
  }

  settle(delivery: Delivery): void {
    this.transport.settle(delivery);
    this.#inHand.get(delivery.source)?.delete(delivery);
    delivery.source.replenished();
  }

  /** As at a shutdown in good order. */
  async close(): Promise<void> {
    await this.transport.stopFetching();
    await this.transport.closeConsumers();
    await this.transport.close();
  }

  /** Bodies of what was delivered, in order. */
  get texts(): string[] {
    return this.deliveries.map(({ message }) => Buffer.from(message.body ?? []).toString());
  }

  #assigned(source: Source): Credit {
    const { credit = 1_000 } = this.#options;
    const inHand = new Set<Delivery>();
    this.#options.assigned?.(source);
    this.sources.add(source);
    this.#inHand.set(source, inHand);
    this.fetchBytes = Math.max(this.fetchBytes, source.fetchBytes);
    return {
      get messages() {
        return credit - inHand.size;
      },
      get bytes() {
        return inHand.size < credit ? CREDIT_BYTES : 0;
      },
    };
  }

  #deliver(delivery: Delivery): void {
    this.deliveries.push(delivery);
    const inHand = this.#inHand.get(delivery.source);
    inHand?.add(delivery);
    this.maxInHand = Math.max(this.maxInHand, inHand?.size ?? 0);
    if (this.#options.settling !== 'by-hand') this.settle(delivery);
  }

  #lost(source: Source): void {
    if (this.sources.delete(source)) this.#options.lost?.(source);
    this.#inHand.delete(source);
  }
}
