import type { NatsConnection } from '@nats-io/transport-node';
import { toError } from '../../core/errors.js';
import { type ConsumerContext, noCounts } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { fetchParts } from './dead-parts.fetch.js';
import { ensureDurable, type PinnedConsumerInfo } from './durable.js';
import { InHand } from './in-hand.js';
import { Extensions } from './extensions.js';
import type { NatsDelivery } from './nats.delivery.js';
import { NatsSource } from './nats.source.js';
import type { Ownership } from './ownership.js';
import { Reception } from './reception.js';

/** Subject, reply and protocol beside the largest message. */
const FETCH_OVERHEAD_BYTES = 8_192;
/** Settled sequences that are known again when the server redelivers them, at least. */
const LEAST_REMEMBERED = 20_000;

/**
 * - closed: no durable or no connection
 * - standby: somebody else owns it
 * - taking-over: what was delivered before is brought in hand; what comes is held
 * - running
 * - draining: to be given up; what is in hand ends
 * - stopped: nothing more is asked for or delivered
 */
export type ConsumerPhase = 'closed' | 'standby' | 'taking-over' | 'running' | 'draining' | 'stopped';

/** What the parts of one consumer share. Only the consumer itself changes its phase and its connection. */
export class ConsumerState {
  readonly counts = noCounts();
  readonly inHand: InHand;
  readonly reception: Reception;
  readonly extensions: Extensions;
  phase: ConsumerPhase = 'closed';
  source: NatsSource | undefined;
  connection: NatsConnection | undefined;
  /** Consumer sequence of the last delivery that came. */
  lastSequence = 0;
  /** Highest stream sequence that came, or that was settled before us. */
  highestSequence = 0;
  /** When the stream was made; another time is another stream, whose sequences say nothing about this one's. */
  streamCreatedAt: string | undefined;
  isPaused = false;

  constructor(
    readonly plan: ConsumerPlan,
    readonly context: ConsumerContext,
    readonly ownership: Ownership,
  ) {
    const { options, settles, port } = context;
    this.inHand = new InHand(Math.max(LEAST_REMEMBERED, options.maxAckPending));
    this.reception = new Reception(plan, this.inHand, this.counts, settles, port, (delivery) =>
      this.#complete(delivery),
    );
    this.extensions = new Extensions(options.ackWaitMs, () => context.now());
  }

  /** Whether it would ask for messages now if there were room. */
  get isFetching(): boolean {
    return this.phase === 'running' && !this.isPaused && this.reception.held === 0;
  }

  /** Whether what comes is for us. */
  get takesMessages(): boolean {
    return this.phase === 'running' || this.phase === 'taking-over';
  }

  /** A new period of owning it begins. */
  assign(lag: number | undefined, replenished: () => void): void {
    const { plan, context } = this;
    const limit = context.maxPayload() + FETCH_OVERHEAD_BYTES;
    const source = new NatsSource(plan.name, plan.subscription.group, limit, {
      lease: () => this.ownership.lease,
      replenished,
    });
    this.source = source;
    source.lag = lag;
    this.phase = 'running';
    source.credit = context.port.assigned(source);
  }

  /** The period is over: what is in hand is not ours any more. */
  end(): void {
    const { source } = this;
    this.source = undefined;
    this.reception.drop();
    this.inHand.clear();
    if (source === undefined) return;
    source.end();
    this.context.port.lost(source);
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

  /** Asks once what the server knows of it. */
  info(): Promise<PinnedConsumerInfo> {
    return this.context.api.once((manager) => manager.consumers.info(this.plan.stream, this.plan.durable));
  }

  /** @param startSequence where a durable that was deleted goes on @throws TopologyError */
  ensure(startSequence: number | undefined): Promise<PinnedConsumerInfo> {
    const { api, options, logger } = this.context;
    const { ackWaitMs, maxAckPending, pullExpiryMs } = options;
    const pinned = this.ownership.ordered && this.context.features().pinning;
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
