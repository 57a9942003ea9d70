import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { toError } from '../../core/errors.js';
import type { Handle } from '../../core/handle-register.js';
import type { ConsumerContext, ConsumerCounts } from './consumer.context.js';
import { noCounts } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { ensureDurable, type PinnedConsumerInfo } from './durable.js';
import { sequenceAfterLoss } from './durable-loss.js';
import { InHand } from './in-hand.js';
import type { NatsDelivery } from './nats.delivery.js';
import { NatsSource } from './nats.source.js';
import { type Ownership, PinnedOwnership, SharedOwnership } from './ownership.js';
import { nextPull } from './pull-policy.js';
import { PullLoop } from './pull-loop.js';
import { Reception } from './reception.js';
import { sendReply, takeOverPort } from './replies.js';
import { takeOver } from './take-over.js';
import { Watchdog } from './watchdog.js';

/** Subject, reply and protocol beside the largest message. */
const FETCH_OVERHEAD_BYTES = 8_192;
const RETRY_MS = 500;

/**
 * - closed: no durable or no connection
 * - standby: somebody else owns it; one pull waits for the day they do not
 * - taking-over: what was delivered before is brought in hand; what comes is held
 * - running
 * - stopped: nothing more is asked for or delivered
 */
export type ConsumerPhase = 'closed' | 'standby' | 'taking-over' | 'running' | 'stopped';

/** One durable consumer: asks for messages within the credit, delivers them in order, keeps the lease on what is in hand. */
export class NatsConsumer {
  readonly counts: ConsumerCounts = noCounts();
  readonly inHand: InHand;
  readonly ownership: Ownership;
  readonly loop: PullLoop;
  readonly #reception: Reception;
  readonly #watchdog: Watchdog;
  readonly #handle: Handle;
  #phase: ConsumerPhase = 'closed';
  #source: NatsSource | undefined;
  #connection: NatsConnection | undefined;
  /** Consumer sequence of the last delivery that came. */
  #lastSequence = 0;
  #highestStreamSequence = 0;
  /** Grows with every change that makes a running take-over void. */
  #epoch = 0;
  #isPaused = false;
  #isRecovering = false;
  #wakes = false;
  /** A take-over that became necessary while one was running. */
  #again = false;
  /** Monotonic milliseconds. */
  #extendedAt: number;
  #cutAt: number | undefined;

  constructor(
    readonly plan: ConsumerPlan,
    readonly context: ConsumerContext,
  ) {
    const { options, now, logger } = context;
    const isOrdered = plan.subscription.ordering === 'key';
    this.ownership = isOrdered && context.features().pinning ? new PinnedOwnership() : new SharedOwnership(isOrdered);
    this.inHand = new InHand(Math.max(20_000, options.maxAckPending));
    this.#reception = new Reception(plan, this.inHand, this.counts, context.settles, context.port);
    this.loop = new PullLoop(
      {
        ...plan,
        apiPrefix: context.apiPrefix,
        inboxPrefix: context.inboxPrefix,
        expiryMs: options.pullExpiryMs,
        logger,
        now,
      },
      {
        arrived: (message) => this.#arrived(message),
        refused: () => this.#refused(),
        gone: () => this.#gone(),
        room: () => this.#go(),
      },
    );
    this.#watchdog = new Watchdog(
      this,
      () => this.#revive(),
      () => this.review(),
    );
    this.#handle = context.handles.open('consumer', `nats ${plan.name}`);
    this.#extendedAt = now();
  }

  get phase(): ConsumerPhase {
    return this.#phase;
  }

  get source(): NatsSource | undefined {
    return this.#source;
  }

  get connection(): NatsConnection | undefined {
    return this.#connection;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get held(): number {
    return this.#reception.held;
  }

  /** Whether it would ask for messages now if there were room. */
  get isFetching(): boolean {
    return this.#phase === 'running' && !this.#isPaused && this.#reception.held === 0;
  }

  /** Begins, or goes on after a cut. @throws TopologyError */
  async open(connection: NatsConnection): Promise<void> {
    if (this.#phase === 'stopped') {
      this.#connection = connection;
      return;
    }
    const info = await this.#ensure();
    if (connection.isClosed() || this.phase !== 'closed') return;
    this.#connection = connection;
    this.loop.open(connection);
    if (this.#source === undefined) this.#begin(info);
    else this.#goOn(info);
  }

  /** The connection is gone. What is in hand stays so, for as long as the lease lasts. */
  cut(): void {
    this.#epoch += 1;
    this.#connection = undefined;
    this.#cutAt ??= this.context.now();
    if (this.#phase !== 'stopped') this.#phase = 'closed';
    this.loop.cut();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wake();
  }

  /** Every quarter of a second. */
  tick(): void {
    const { now, options } = this.context;
    this.#watchdog.tick();
    if (now() - this.#extendedAt >= options.ackWaitMs / 3) this.#extend();
    if (this.ownership.needsRenewal) this.loop.renew(this.ownership.identity);
    this.#go();
  }

  settle(delivery: NatsDelivery): void {
    if (delivery.source !== this.#source || !this.inHand.remove(delivery)) return;
    this.inHand.settled(delivery);
    this.context.settles.add(delivery.reply);
    this.#source.lastProgressAt = this.context.now();
  }

  /** Settled with an answer, or not ours any more: the server may bring it again. */
  settledBefore(delivery: NatsDelivery, isSettled: boolean): void {
    if (this.inHand.remove(delivery) && isSettled) this.inHand.settled(delivery);
  }

  /** Asks for nothing more; what was on the wire is delivered, what was held goes back. */
  async stop(): Promise<void> {
    if (this.#phase === 'stopped') return;
    await this.loop.stop();
    this.#epoch += 1;
    this.#phase = 'stopped';
    for (const delivery of this.#reception.drop()) sendReply(this.#connection, delivery.reply, 'nak');
  }

  /** The source is given up. */
  close(): void {
    this.loop.close();
    this.#end();
    this.#handle.closed();
  }

  /** Holds what comes and brings in hand what was delivered before; at a gap, after a cut, when ownership is new. */
  review(): void {
    this.#again = this.#phase === 'taking-over';
    if (this.#phase !== 'running') return;
    this.#phase = 'taking-over';
    void this.#takeOver(++this.#epoch);
  }

  /** Somebody else owns it now. */
  lose(): void {
    this.#epoch += 1;
    this.#end();
    this.ownership.refused();
    this.#phase = 'standby';
    this.#go();
  }

  /** What came up to here is known. */
  caughtUp(info: PinnedConsumerInfo): void {
    this.#lastSequence = Math.max(this.#lastSequence, info.delivered.consumer_seq);
  }

  lease(): 'held' | 'unsure' {
    if (!this.ownership.ordered || this.#cutAt === undefined) return 'held';
    return this.context.now() - this.#cutAt < this.context.options.ackWaitMs / 2 ? 'held' : 'unsure';
  }

  async #ensure(startSequence?: number): Promise<PinnedConsumerInfo> {
    const { api, options, logger } = this.context;
    const { ackWaitMs, maxAckPending, pullExpiryMs } = options;
    const pinned = this.ownership instanceof PinnedOwnership;
    return ensureDurable(api, this.plan, { ackWaitMs, maxAckPending, pullExpiryMs, pinned, startSequence }, logger);
  }

  #begin(info: PinnedConsumerInfo): void {
    this.#lastSequence = info.delivered.consumer_seq;
    this.#phase = 'standby';
    if (this.ownership.mayAssume(info)) this.#assign(info.num_pending);
    this.#go();
  }

  #goOn(info: PinnedConsumerInfo): void {
    this.#lastSequence = Math.min(this.#lastSequence, info.delivered.consumer_seq);
    this.#phase = 'running';
    if (this.ownership.ordered) return this.review();
    this.#cutAt = undefined;
    this.#go();
  }

  #assign(lag: number | undefined): NatsSource {
    const { port, maxPayload } = this.context;
    const source = new NatsSource(this.plan.name, this.plan.subscription.group, maxPayload() + FETCH_OVERHEAD_BYTES, {
      lease: () => this.lease(),
      replenished: () => this.#wake(),
    });
    source.lag = lag;
    this.#source = source;
    this.#phase = 'running';
    this.#cutAt = undefined;
    source.credit = port.assigned(source);
    return source;
  }

  #end(): void {
    const source = this.#source;
    this.#source = undefined;
    this.#reception.drop();
    this.inHand.clear();
    if (source === undefined) return;
    source.end();
    this.context.port.lost(source);
  }

  #arrived(message: Msg): void {
    const arrival = Reception.read(message);
    if (arrival === undefined) return;
    const { consumerSequence, streamSequence, pending } = arrival.facts;
    const isGap = consumerSequence !== this.#lastSequence + 1;
    this.loop.pulls.arrived(arrival.sizeBytes);
    this.#lastSequence = consumerSequence;
    this.#highestStreamSequence = Math.max(this.#highestStreamSequence, streamSequence);
    if (this.#phase === 'stopped' || this.#phase === 'closed')
      return sendReply(this.#connection, arrival.raw.reply, 'nak');

    const ownership = this.ownership.delivered(() => message.headers?.get('Nats-Pin-Id'));
    const source = this.#source ?? this.#assign(pending);
    source.lag = pending;
    source.lastProgressAt = this.context.now();
    this.#watchdog.heard();
    if (this.ownership.ordered && (isGap || ownership === 'gained')) {
      if (ownership === 'kept') this.counts.gaps += 1;
      this.review();
    }
    this.#reception.take(arrival, source, this.#phase !== 'running' || this.#isPaused);
  }

  async #takeOver(epoch: number): Promise<void> {
    this.counts.takeOvers += 1;
    const { logger, pause } = this.context;
    try {
      const { redelivered, leftToOthers } = await takeOver(takeOverPort(this, epoch));
      if (redelivered > 0 || leftToOthers > 0)
        logger.log(`NATS: took over ${this.plan.name}`, { redelivered, leftToOthers });
    } catch (error) {
      logger.warn(`NATS: taking over ${this.plan.name} failed; trying again`, { error: toError(error) });
      await pause.ms(RETRY_MS);
      this.#again = true;
    }
    if (epoch !== this.#epoch || this.#phase !== 'taking-over') return;
    if (this.#again) {
      this.#again = false;
      return this.#takeOver(epoch);
    }
    this.#reception.sort();
    this.#phase = 'running';
    this.#cutAt = undefined;
    this.#go();
  }

  #refused(): void {
    this.ownership.refused();
    if (this.inHand.size > 0) this.review();
  }

  /** Not synchronously: `replenished` must not deliver. Once a turn, however often credit comes back. */
  #wake(): void {
    if (this.#wakes) return;
    this.#wakes = true;
    setImmediate(() => {
      this.#wakes = false;
      this.#go();
    });
  }

  #go(): void {
    const source = this.#source;
    if (this.#phase === 'running' && !this.#isPaused && source !== undefined && this.#reception.held > 0)
      this.#reception.release(source);
    const request = nextPull(this);
    if (request !== undefined) this.loop.pull(request);
  }

  #extend(): void {
    this.#extendedAt = this.context.now();
    for (const { reply } of this.inHand.values()) sendReply(this.#connection, reply, 'working');
  }

  #revive(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#phase !== 'running') return;
    this.counts.revivals += 1;
    this.context.logger.warn(`NATS: ${this.plan.name} was connected but deaf; set up again`, {
      revivals: this.counts.revivals,
    });
    this.loop.open(connection);
    if (this.ownership.ordered) this.review();
    this.#go();
  }

  /** The durable was deleted under us: it is made again, to go on where we were. */
  #gone(): void {
    if (this.#phase === 'stopped' || this.#phase === 'closed' || this.#isRecovering) return;
    this.#isRecovering = true;
    this.context.logger.warn(`NATS: consumer "${this.plan.durable}" is gone; making it again`, {
      group: this.plan.subscription.group,
    });
    void this.#recover();
  }

  async #recover(): Promise<void> {
    const { api, pause, logger } = this.context;
    const connection = this.#connection;
    const next = Math.min(this.#highestStreamSequence + 1, ...this.inHand.sequences());
    this.#end();
    this.cut();
    try {
      await this.#ensure(await sequenceAfterLoss(api, this.plan.stream, next));
      if (connection !== undefined) await this.open(connection);
    } catch (error) {
      logger.error(`NATS: consumer "${this.plan.durable}" cannot be made again; trying again`, {
        error: toError(error),
      });
      await pause.ms(RETRY_MS);
    }
    this.#isRecovering = false;
  }
}
