import type { NatsConnection } from '@nats-io/transport-node';
import { toError } from '../../core/errors.js';
import type { Delivery, Source } from '../../transport/transport.js';
import type { ClaimsState } from './claims/claims-state.js';
import { GroupClaims } from './claims/group-claims.js';
import { NatsConsumer } from './consumer.js';
import type { ConsumerContext } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { NatsDelivery } from './nats.delivery.js';
import { ClaimedOwnership, SharedOwnership } from './ownership.js';

/** All consumers of a transport, and the claims of the groups that have owners. */
export class NatsConsumers {
  #consumers: NatsConsumer[] = [];
  /** Asked at each settle, so that it costs the same however many there are. An entry may be out of date: the source says. */
  readonly #ownerBySource = new WeakMap<Source, NatsConsumer>();
  #claims: GroupClaims[] = [];
  #isStopped = false;

  constructor(private readonly context: ConsumerContext) {}

  /** As health shows them. */
  get states(): readonly object[] {
    return this.#consumers.map(({ state: { plan, phase, inHand, reception, counts } }) => ({
      name: plan.name,
      stream: plan.stream,
      durable: plan.durable,
      phase,
      inHand: inHand.size,
      held: reception.held,
      ...counts,
    }));
  }

  get claims(): readonly ClaimsState[] {
    return this.#claims.map(({ state }) => state);
  }

  /** @throws TopologyError, AuthorizationError */
  async start(plans: readonly ConsumerPlan[], connection: NatsConnection | undefined): Promise<void> {
    const ordered = plans.filter(({ subscription }) => subscription.ordering === 'key');
    const groups = new Set(ordered.map(({ subscription }) => subscription.group));
    this.#claims = [...groups].map((group) =>
      this.#claimed(
        group,
        ordered.filter(({ subscription }) => subscription.group === group),
      ),
    );
    for (const plan of plans)
      if (!ordered.includes(plan)) this.#consumers.push(new NatsConsumer(plan, this.context, new SharedOwnership()));
    await Promise.all(this.#claims.map((claims) => claims.prepare()));
    if (connection === undefined) return;
    const opening = this.#consumers.map((consumer) => consumer.open(connection));
    await Promise.all([...opening, ...this.#claims.map((claims) => claims.attach(connection))]);
  }

  /** After a reconnect. */
  reopen(connection: NatsConnection): void {
    for (const claims of this.#claims) void claims.attach(connection);
    for (const consumer of this.#consumers) void this.#reopen(consumer, connection);
  }

  cut(): void {
    for (const claims of this.#claims) claims.detach();
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
    for (const claims of this.#claims) claims.tick();
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
    await Promise.all([...this.#consumers, ...this.#claims].map((one) => one.stop()));
  }

  /** Everything settled is with the server, sources are given up, and the others know. */
  async close(): Promise<void> {
    await this.stop();
    this.context.settles.flush();
    await Promise.all(this.#claims.map((claims) => claims.close()));
    await Promise.all(this.#consumers.map((consumer) => consumer.close()));
    this.#claims = [];
    this.#consumers = [];
  }

  /** The consumers of a group with keyed handlers, each with one owner at a time. */
  #claimed(group: string, plans: readonly ConsumerPlan[]): GroupClaims {
    const streams: Record<string, number> = {};
    for (const { stream, partition = -1 } of plans) streams[stream] = Math.max(streams[stream] ?? 0, partition + 1);
    const pins = this.context.features().pinning;
    // Consumers ask for the lease and claims for the consumers: one of them has to come first.
    const membership: { claims?: GroupClaims; readonly lease: 'held' | 'unsure' } = {
      get lease() {
        return this.claims?.lease ?? 'unsure';
      },
    };
    const seats = plans.map((plan) => new NatsConsumer(plan, this.context, new ClaimedOwnership(membership, pins)));
    this.#consumers.push(...seats);
    membership.claims = new GroupClaims({ group, streams }, this.context, seats);
    return membership.claims;
  }

  async #reopen(consumer: NatsConsumer, connection: NatsConnection): Promise<void> {
    try {
      await consumer.open(connection);
    } catch (error) {
      this.context.logger.error(`NATS: cannot go on with ${consumer.name}`, { error: toError(error) });
    }
  }

  #of(group: string | undefined): NatsConsumer[] {
    return this.#consumers.filter(({ state: { plan } }) => group === undefined || plan.subscription.group === group);
  }

  #ownerOf({ source }: NatsDelivery): NatsConsumer | undefined {
    const known = this.#ownerBySource.get(source);
    if (known?.state.source === source) return known;
    const found = this.#consumers.find(({ state }) => state.source === source);
    if (found !== undefined) this.#ownerBySource.set(source, found);
    return found;
  }
}
