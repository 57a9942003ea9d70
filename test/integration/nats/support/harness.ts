import { randomUUID } from 'node:crypto';
import { HandleRegister } from '../../../../lib/core/handle-register.js';
import type { BusLogger, LogFields } from '../../../../lib/core/logger.js';
import type { OutgoingMessage, Position } from '../../../../lib/transport/message.js';
import type {
  ConnectionStatus,
  Credit,
  Delivery,
  Source,
  Subscription,
  Transport,
} from '../../../../lib/transport/transport.js';
import { natsTransport, type NatsTransportOptions } from '../../../../lib/transports/nats/index.js';

/** How a publish was answered. */
export type Answer =
  | { readonly how: 'confirmed'; readonly position: Position; readonly duplicate: boolean }
  | { readonly how: 'unsent' | 'unknown' | 'rejected'; readonly error: Error };

export interface HarnessOptions {
  /** Of a patched copy. @default that of the sources */
  readonly natsTransport?: typeof natsTransport;
  readonly transport: NatsTransportOptions;
  readonly topicPrefix?: string;
  /** Messages the bus takes at a time, per source. @default 1000 */
  readonly creditMessages?: number;
  readonly creditBytes?: number;
  /** Called for each delivery. @default settles at once */
  readonly onDelivery?: (delivery: Delivery, bus: Harness) => void;
  /** Called when a source is to be given up. @default resolves at once */
  readonly onRevoking?: (source: Source) => Promise<void>;
}

/** What a source was granted, and how it was kept to. */
interface Grant {
  readonly source: Source;
  used: number;
  usedBytes: number;
  mostUsed: number;
}

/** The bus's half of the port, as small as can be: fixed credit, deliveries recorded, publishes as promises. */
export class Harness {
  readonly transport: Transport;
  readonly handles = new HandleRegister();
  readonly deliveries: Delivery[] = [];
  readonly assigned: Source[] = [];
  readonly lost: Source[] = [];
  readonly statuses: ConnectionStatus[] = [];
  readonly lines: { level: string; message: string; fields: LogFields | undefined; at: number }[] = [];
  /** Answers beyond the first to one slot: there must be none. */
  readonly surplusAnswers: number[] = [];
  /** By source: its credit as used. */
  readonly grants = new Map<Source, Grant>();
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #slot = 0;

  constructor(private readonly options: HarnessOptions) {
    const level = (name: string) => (message: string, fields?: LogFields) =>
      void this.lines.push({ level: name, message, fields, at: Date.now() });
    const logger: BusLogger = { debug: level('debug'), log: level('log'), warn: level('warn'), error: level('error') };
    const factory = (options.natsTransport ?? natsTransport)(options.transport);
    const faults = factory.validate();
    if (faults.length > 0) throw new Error(faults.join('; '));
    this.transport = factory.create({
      bus: 'test',
      topicPrefix: options.topicPrefix ?? '',
      rebalanceDrainMs: 2_000,
      handles: this.handles,
      logger,
      onStatus: (status) => void this.statuses.push(status),
      publisher: {
        confirmed: (slot, position, duplicate) => this.#answer(slot, { how: 'confirmed', position, duplicate }),
        failed: (slot, how, error) => this.#answer(slot, { how, error }),
      },
      consumer: {
        assigned: (source) => this.#assigned(source),
        deliver: (delivery) => this.#deliver(delivery),
        revoking: async (source) => options.onRevoking?.(source),
        lost: (source) => void this.lost.push(source),
      },
    });
  }

  /** Connected, prepared, consuming. */
  static async start(options: HarnessOptions, subscriptions: readonly Subscription[] = []): Promise<Harness> {
    const bus = new Harness(options);
    await bus.transport.connect();
    await bus.transport.prepare(subscriptions);
    if (subscriptions.length > 0) await bus.transport.consume(subscriptions);
    return bus;
  }

  publish(topic: string, body: string | Uint8Array, extra: Partial<OutgoingMessage> = {}): Promise<Answer> {
    const slot = ++this.#slot;
    return new Promise((resolve) => {
      this.#waiting.set(slot, resolve);
      this.transport.publish(
        { topic, key: undefined, id: extra.id ?? randomUUID(), body, headers: [], ...extra },
        slot,
      );
    });
  }

  settle(delivery: Delivery): void {
    const grant = this.grants.get(delivery.source);
    if (grant !== undefined) {
      grant.used -= 1;
      grant.usedBytes -= delivery.sizeBytes;
    }
    this.transport.settle(delivery);
    delivery.source.replenished();
  }

  /** As the bus shuts down. */
  async close(): Promise<void> {
    await this.transport.stopFetching();
    await this.transport.closeConsumers();
    await this.transport.close();
  }

  texts(): string[] {
    return this.deliveries.map((delivery) => this.textOf(delivery));
  }

  textOf({ message }: Delivery): string {
    return Buffer.from(message.body ?? '').toString();
  }

  logged(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  #answer(slot: number, answer: Answer): void {
    const resolve = this.#waiting.get(slot);
    this.#waiting.delete(slot);
    if (resolve === undefined) this.surplusAnswers.push(slot);
    else resolve(answer);
  }

  #assigned(source: Source): Credit {
    const { creditMessages = 1_000, creditBytes = 64 * 2 ** 20 } = this.options;
    const grant: Grant = { source, used: 0, usedBytes: 0, mostUsed: 0 };
    this.grants.set(source, grant);
    this.assigned.push(source);
    return {
      get messages() {
        return creditMessages - grant.used;
      },
      get bytes() {
        return Math.max(source.fetchBytes, creditBytes) - grant.usedBytes;
      },
    };
  }

  #deliver(delivery: Delivery): void {
    const grant = this.grants.get(delivery.source);
    if (grant === undefined) throw new Error('a delivery of a source that was never assigned');
    grant.used += 1;
    grant.usedBytes += delivery.sizeBytes;
    grant.mostUsed = Math.max(grant.mostUsed, grant.used);
    this.deliveries.push(delivery);
    if (this.options.onDelivery === undefined) this.settle(delivery);
    else this.options.onDelivery(delivery, this);
  }
}

/** A subscription with a test's usual values. */
export function subscription(
  group: string,
  patterns: readonly string[],
  extra: Partial<Subscription> = {},
): Subscription {
  return { group, patterns, startFrom: 'earliest', delivery: 'at-least-once', ordering: 'none', ...extra };
}
