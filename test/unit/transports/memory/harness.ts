import { setImmediate as turn } from 'node:timers/promises';
import { HandleRegister } from '../../../../lib/core/handle-register.js';
import { SILENT_LOGGER, type BusLogger } from '../../../../lib/core/logger.js';
import type { OutgoingMessage, Position } from '../../../../lib/transport/message.js';
import type {
  ConnectionState,
  Credit,
  Delivery,
  Source,
  Subscription,
  Transport,
} from '../../../../lib/transport/transport.js';
import {
  memoryTransport,
  type MemoryTransportOptions,
} from '../../../../lib/transports/memory/memory-transport.factory.js';

export interface HarnessOptions extends MemoryTransportOptions {
  readonly topicPrefix?: string;
  /** Messages a source may have in flight. */
  readonly credit?: number;
  readonly creditBytes?: number;
  /** Whether deliveries are settled as they come. */
  readonly settling?: 'at-once' | 'by-hand';
  /** What a drain waits for. */
  readonly drain?: (source: Source) => Promise<void>;
  readonly logger?: BusLogger;
}

type Answer =
  | { readonly slot: number; readonly position: Position; readonly duplicate: boolean }
  | { readonly slot: number; readonly how: 'unsent' | 'unknown' | 'rejected'; readonly error: Error };

/** A bus that grants credit, takes deliveries and notes everything. */
export class Harness {
  readonly transport: Transport;
  readonly handles = new HandleRegister();
  readonly deliveries: Delivery[] = [];
  readonly answers: Answer[] = [];
  readonly statuses: ConnectionState[] = [];
  /** Sources owned now. */
  readonly sources = new Set<Source>();
  readonly #inFlight = new Map<Source, { messages: number; bytes: number }>();
  readonly #options: HarnessOptions;
  #slots = 0;

  constructor(options: HarnessOptions = {}) {
    this.#options = options;
    const { topicPrefix = '', credit: _, creditBytes: __, settling: ___, drain, logger, ...transportOptions } = options;
    this.transport = memoryTransport(transportOptions).create({
      bus: 'test',
      topicPrefix,
      rebalanceDrainMs: 1000,
      handles: this.handles,
      logger: logger ?? SILENT_LOGGER,
      onStatus: ({ state }) => void this.statuses.push(state),
      consumer: {
        assigned: (source) => this.#assigned(source),
        deliver: (delivery) => this.#deliver(delivery),
        revoking: async (source) => drain?.(source),
        lost: (source) => void this.sources.delete(source),
      },
      publisher: {
        confirmed: (slot, position, duplicate) => void this.answers.push({ slot, position, duplicate }),
        failed: (slot, how, error) => void this.answers.push({ slot, how, error }),
      },
    });
  }

  static async connected(options: HarnessOptions = {}): Promise<Harness> {
    const harness = new Harness(options);
    await harness.transport.connect();
    return harness;
  }

  async consume(...subscriptions: readonly (Partial<Subscription> & { patterns: readonly string[] })[]): Promise<void> {
    const complete = subscriptions.map((given): Subscription => {
      return { group: 'billing', startFrom: 'earliest', delivery: 'at-least-once', ordering: 'key', ...given };
    });
    await this.transport.prepare(complete);
    await this.transport.consume(complete);
  }

  publish(topic: string, text: string, more: Partial<OutgoingMessage> = {}): number {
    const slot = this.#slots;
    this.#slots += 1;
    this.transport.publish({ topic, key: undefined, id: `id-${slot}`, body: text, headers: [], ...more }, slot);
    return slot;
  }

  settle(delivery: Delivery): void {
    this.transport.settle(delivery);
    const inFlight = this.#inFlight.get(delivery.source);
    if (inFlight === undefined) return;
    inFlight.messages -= 1;
    inFlight.bytes -= delivery.sizeBytes;
    delivery.source.replenished();
  }

  get texts(): string[] {
    return this.deliveries.map(textOf);
  }

  #assigned(source: Source): Credit {
    const { credit = 1000, creditBytes = 1e9 } = this.#options;
    const inFlight = { messages: 0, bytes: 0 };
    this.sources.add(source);
    this.#inFlight.set(source, inFlight);
    return {
      get messages() {
        return credit - inFlight.messages;
      },
      get bytes() {
        return creditBytes - inFlight.bytes;
      },
    };
  }

  #deliver(delivery: Delivery): void {
    this.deliveries.push(delivery);
    const inFlight = this.#inFlight.get(delivery.source);
    if (inFlight !== undefined) {
      inFlight.messages += 1;
      inFlight.bytes += delivery.sizeBytes;
    }
    if (this.#options.settling !== 'by-hand') this.settle(delivery);
  }
}

export function textOf({ message }: Delivery): string {
  return Buffer.from(message.body ?? []).toString();
}

/** Lets the event loop go round, often enough for whatever is under way to end. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await turn();
}
