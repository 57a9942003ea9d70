import type { NatsConnection } from '@nats-io/transport-node';
import { toError } from '../../core/errors.js';
import type { Delivery } from '../../transport/transport.js';
import { NatsConsumer } from './consumer.js';
import type { ConsumerContext } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { PIN_GROUP } from './names.js';
import { NatsDelivery } from './nats.delivery.js';

const CHECK_MS = 20;
/** The server works off acks in well under a second. */
const MOST_CHECKS = 50;

/** All consumers of a transport. */
export class NatsConsumers {
  #consumers: NatsConsumer[] = [];
  #isStopped = false;

  constructor(private readonly context: ConsumerContext) {}

  get all(): readonly NatsConsumer[] {
    return this.#consumers;
  }

  /** @throws TopologyError */
  async start(plans: readonly ConsumerPlan[], connection: NatsConnection | undefined): Promise<void> {
    this.#consumers = plans.map((plan) => new NatsConsumer(plan, this.context));
    if (connection !== undefined) await Promise.all(this.#consumers.map((consumer) => consumer.open(connection)));
  }

  /** After a reconnect. */
  reopen(connection: NatsConnection): void {
    for (const consumer of this.#consumers) void this.#reopen(consumer, connection);
  }

  cut(): void {
    for (const consumer of this.#consumers) consumer.cut();
  }

  pause(group: string | undefined): void {
    for (const consumer of this.#of(group)) consumer.pause();
  }

  resume(group: string | undefined): void {
    for (const consumer of this.#of(group)) consumer.resume();
  }

  tick(): void {
    this.context.settles.sweep();
    for (const consumer of this.#consumers) consumer.tick();
  }

  settle(delivery: Delivery): void {
    if (delivery instanceof NatsDelivery) this.#ownerOf(delivery)?.state.settle(delivery);
  }

  /** @throws SettleFailedError; the deliveries are then not ours any more, and may come again */
  async settleBefore(deliveries: readonly Delivery[]): Promise<void> {
    const ours = deliveries.filter((delivery) => delivery instanceof NatsDelivery);
    let isSettled = false;
    try {
      await this.context.settles.confirmed(ours.map(({ reply }) => reply));
      isSettled = true;
    } finally {
      for (const delivery of ours) this.#ownerOf(delivery)?.state.settledBefore(delivery, isSettled);
    }
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }

  /** Everything settled is with the server, pins are given back, sources given up. */
  async close(): Promise<void> {
    await this.stop();
    this.context.settles.flush();
    await Promise.all(this.#consumers.map((consumer) => this.#giveUp(consumer)));
    for (const consumer of this.#consumers) consumer.close();
    this.#consumers = [];
  }

  async #reopen(consumer: NatsConsumer, connection: NatsConnection): Promise<void> {
    try {
      await consumer.open(connection);
    } catch (error) {
      this.context.logger.error(`NATS: cannot go on with ${consumer.state.plan.name}`, { error: toError(error) });
    }
  }

  async #giveUp(consumer: NatsConsumer): Promise<void> {
    const { plan, connection, ownership, inHand, source } = consumer.state;
    if (connection === undefined || connection.isClosed() || source === undefined) return;
    try {
      await connection.flush();
      if (ownership.ordered) await this.#acked(consumer, inHand.size);
      if (ownership.needsRenewal)
        await this.context.api.once((manager) => manager.consumers.unpin(plan.stream, plan.durable, PIN_GROUP));
    } catch (error) {
      this.context.logger.warn(`NATS: ${plan.name} could not be given up cleanly`, { error: toError(error) });
    }
  }

  /** The server has no more unsettled deliveries than we left. */
  async #acked({ state: { plan } }: NatsConsumer, left: number): Promise<void> {
    for (let check = 0; check < MOST_CHECKS; check++) {
      const { num_ack_pending } = await this.context.api.once((manager) =>
        manager.consumers.info(plan.stream, plan.durable),
      );
      if (num_ack_pending <= left) return;
      await this.context.pause.ms(CHECK_MS);
    }
  }

  #of(group: string | undefined): NatsConsumer[] {
    return this.#consumers.filter(({ state: { plan } }) => group === undefined || plan.subscription.group === group);
  }

  #ownerOf(delivery: NatsDelivery): NatsConsumer | undefined {
    return this.#consumers.find(({ state }) => state.source === delivery.source);
  }
}
