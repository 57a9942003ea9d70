import type { NatsConnection } from '@nats-io/transport-node';
import { toError } from '../../core/errors.js';
import { type ConsumerContext, noCounts } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { fetchParts } from './dead-parts.fetch.js';
import { ensureDurable, type PinnedConsumerInfo } from './durable.js';
import { InHand } from './in-hand.js';
import { Lease } from './lease.js';
import type { NatsDelivery } from './nats.delivery.js';
import type { NatsSource } from './nats.source.js';
import { type Ownership, PinnedOwnership, SharedOwnership } from './ownership.js';
import { Reception } from './reception.js';

/** Settled sequences that are known again when the server redelivers them, at least. */
const LEAST_REMEMBERED = 20_000;

/**
 * - closed: no durable or no connection
 * - standby: somebody else owns it; one pull waits for the day they do not
 * - taking-over: what was delivered before is brought in hand; what comes is held
 * - running
 * - stopped: nothing more is asked for or delivered
 */
export type ConsumerPhase = 'closed' | 'standby' | 'taking-over' | 'running' | 'stopped';

/** What the parts of one consumer share. Only the consumer itself writes it. */
export class ConsumerState {
  readonly counts = noCounts();
  readonly inHand: InHand;
  readonly ownership: Ownership;
  readonly reception: Reception;
  readonly lease: Lease;
  phase: ConsumerPhase = 'closed';
  source: NatsSource | undefined;
  connection: NatsConnection | undefined;
  /** Consumer sequence of the last delivery that came. */
  lastSequence = 0;
  /** Highest stream sequence that came. */
  highestSequence = 0;
  isPaused = false;

  constructor(
    readonly plan: ConsumerPlan,
    readonly context: ConsumerContext,
  ) {
    const { options, settles, port } = context;
    const isOrdered = plan.subscription.ordering === 'key';
    this.ownership =
      isOrdered && context.features().pinning
        ? new PinnedOwnership()
        : new SharedOwnership(isOrdered, options.pullExpiryMs, () => context.now());
    this.inHand = new InHand(Math.max(LEAST_REMEMBERED, options.maxAckPending));
    this.reception = new Reception(plan, this.inHand, this.counts, settles, port, (delivery) =>
      this.#complete(delivery),
    );
    this.lease = new Lease(options.ackWaitMs, () => context.now());
  }

  /** Whether it would ask for messages now if there were room. */
  get isFetching(): boolean {
    return this.phase === 'running' && !this.isPaused && this.reception.held === 0;
  }

  get leaseState(): 'held' | 'unsure' {
    return this.ownership.ordered ? this.lease.state : 'held';
  }

  settle(delivery: NatsDelivery): void {
    if (delivery.source !== this.source || !this.inHand.remove(delivery)) return;
    this.inHand.settled(delivery);
    this.context.settles.add(delivery.reply);
    this.source.lastProgressAt = this.context.now();
  }

  /** Settled with an answer, or not ours any more: the server may bring it again. */
  settledBefore(delivery: NatsDelivery, isSettled: boolean): void {
    if (this.inHand.remove(delivery) && isSettled) this.inHand.settled(delivery);
  }

  /** A delivery went elsewhere. @param sinceReview whether nothing was missing before, on this connection */
  gap(sinceReview: boolean): void {
    const wasOrdered = this.ownership.ordered;
    this.counts.gaps += 1;
    this.ownership.gap(sinceReview);
    if (wasOrdered && !this.ownership.ordered) this.warnOfRivals();
  }

  warnOfRivals(): void {
    const { subscription, name } = this.plan;
    this.context.logger.warn(
      'NATS: several instances consume, and this server cannot pin one (before 2.11): there is no order per key across them',
      { group: subscription.group, consumer: name },
    );
  }

  /** Asks once what the server knows of it. */
  info(): Promise<PinnedConsumerInfo> {
    return this.context.api.once((manager) => manager.consumers.info(this.plan.stream, this.plan.durable));
  }

  /** @param startSequence where a durable that was deleted goes on @throws TopologyError */
  ensure(startSequence: number | undefined): Promise<PinnedConsumerInfo> {
    const { api, options, logger } = this.context;
    const { ackWaitMs, maxAckPending, pullExpiryMs } = options;
    const pinned = this.ownership instanceof PinnedOwnership;
    return ensureDurable(api, this.plan, { ackWaitMs, maxAckPending, pullExpiryMs, pinned, startSequence }, logger);
  }

  /** The last part of a dead letter came: the others are read back. What cannot be put together stays in the stream, and is said. */
  async #complete(delivery: NatsDelivery): Promise<void> {
    const { api, logger } = this.context;
    const { message, streamSequence } = delivery;
    try {
      const last = { headers: message.headers, body: message.body ?? new Uint8Array(0), sequence: streamSequence };
      delivery.complete(await fetchParts(api, this.plan.stream, last));
    } catch (error) {
      if (!this.inHand.has(streamSequence)) return;
      logger.error('NATS: a dead letter in parts is not whole', {
        topic: message.topic,
        sequence: streamSequence,
        error: toError(error),
      });
      this.reception.remove(delivery);
      this.context.settles.add(delivery.reply);
    }
  }
}
