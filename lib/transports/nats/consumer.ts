import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { Handle } from '../../core/handle-register.js';
import type { ConsumerContext } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { ConsumerState } from './consumer.state.js';
import type { PinnedConsumerInfo } from './durable.js';
import { NatsSource } from './nats.source.js';
import { PullLoop } from './pull-loop.js';
import { nextPull } from './pull-policy.js';
import { Reception } from './reception.js';
import { Recovery } from './recovery.js';
import { sendReply } from './replies.js';
import { Review } from './review.js';
import { Watchdog } from './watchdog.js';

/** Subject, reply and protocol beside the largest message. */
const FETCH_OVERHEAD_BYTES = 8_192;

/** One durable consumer: asks for messages within the credit, delivers them in order, keeps the lease on what is in hand. */
export class NatsConsumer {
  readonly state: ConsumerState;
  readonly #loop: PullLoop;
  readonly #review: Review;
  readonly #recovery: Recovery;
  readonly #watchdog: Watchdog;
  readonly #handle: Handle;
  /** A turn of the event loop is ahead in which it asks for more. */
  #wakes = false;

  constructor(plan: ConsumerPlan, context: ConsumerContext) {
    const state = new ConsumerState(plan, context);
    this.state = state;
    this.#loop = new PullLoop(plan, context, {
      arrived: (message) => this.#arrived(message),
      refused: () => this.#refused(),
      gone: () => this.#gone(),
      room: () => this.#go(),
    });
    this.#review = new Review(state, this.#loop, { owned: () => this.#run(), foreign: () => this.#lose() });
    this.#recovery = new Recovery(state, (connection, startSequence) => this.open(connection, startSequence));
    this.#watchdog = new Watchdog(state, this.#loop, {
      deaf: () => this.#revive(),
      doubtful: () => this.#doubt(),
      foreign: () => this.#lose(),
    });
    this.#handle = context.handles.open('consumer', `nats ${plan.name}`);
  }

  /** Begins, or goes on after a cut. @throws TopologyError */
  async open(connection: NatsConnection, startSequence?: number): Promise<void> {
    const { state } = this;
    const info = state.phase === 'stopped' ? undefined : await state.ensure(startSequence);
    if (connection.isClosed()) return;
    state.connection = connection;
    if (info === undefined || state.phase !== 'closed') return;
    this.#loop.open(connection);
    if (state.source === undefined) this.#begin(info);
    else this.#goOn(info);
  }

  /** The connection is gone. What is in hand stays so, for as long as the lease lasts. */
  cut(): void {
    const { state } = this;
    this.#review.cancel();
    this.#loop.cut();
    state.connection = undefined;
    state.lease.cut();
    if (state.phase !== 'stopped') state.phase = 'closed';
  }

  pause(): void {
    this.state.isPaused = true;
  }

  resume(): void {
    this.state.isPaused = false;
    this.#wake();
  }

  /** Every quarter of a second. */
  tick(): void {
    const { connection, inHand, lease, ownership } = this.state;
    this.#watchdog.tick();
    if (lease.isDue()) for (const { reply } of inHand.values()) sendReply(connection, reply, 'working');
    if (ownership.needsRenewal) this.#loop.renew(ownership.identity);
    this.#go();
  }

  /** Asks for nothing more; what was on the wire is delivered, what was held goes back. */
  async stop(): Promise<void> {
    const { state } = this;
    if (state.phase === 'stopped') return;
    await this.#loop.stop();
    this.#review.cancel();
    state.phase = 'stopped';
    for (const { reply } of state.reception.drop()) sendReply(state.connection, reply, 'nak');
  }

  /** The source is given up. */
  close(): void {
    this.#loop.close();
    this.#end();
    this.#handle.closed();
  }

  #begin(info: PinnedConsumerInfo): void {
    const { state } = this;
    state.lastSequence = info.delivered.consumer_seq;
    state.phase = 'standby';
    if (state.ownership.mayAssume(info)) this.#assign(info.num_pending);
    this.#go();
  }

  /** A server back from a crash may know less than we do. */
  #goOn(info: PinnedConsumerInfo): void {
    const { state } = this;
    state.lastSequence = Math.min(state.lastSequence, info.delivered.consumer_seq);
    state.phase = 'running';
    if (state.ownership.ordered) return this.#doubt();
    state.lease.renewed();
    this.#go();
  }

  #assign(lag: number | undefined): NatsSource {
    const { state } = this;
    const { port, maxPayload } = state.context;
    const source = new NatsSource(state.plan.name, state.plan.subscription.group, maxPayload() + FETCH_OVERHEAD_BYTES, {
      lease: () => state.leaseState,
      replenished: () => this.#wake(),
    });
    source.lag = lag;
    state.source = source;
    state.phase = 'running';
    state.lease.renewed();
    source.credit = port.assigned(source);
    return source;
  }

  #end(): void {
    const { state } = this;
    const { source } = state;
    state.source = undefined;
    state.reception.drop();
    state.inHand.clear();
    if (source === undefined) return;
    source.end();
    state.context.port.lost(source);
  }

  #arrived(message: Msg): void {
    const arrival = Reception.read(message);
    if (arrival === undefined) return;
    const { state } = this;
    const { consumerSequence, streamSequence, pending } = arrival.facts;
    const isGap = consumerSequence !== state.lastSequence + 1;
    this.#loop.pulls.arrived(arrival.sizeBytes);
    state.lastSequence = consumerSequence;
    state.highestSequence = Math.max(state.highestSequence, streamSequence);
    if (state.phase === 'stopped' || state.phase === 'closed')
      return sendReply(state.connection, arrival.raw.reply, 'nak');

    const ownership = state.ownership.delivered(() => message.headers?.get('Nats-Pin-Id'));
    const source = state.source ?? this.#assign(pending);
    source.lag = pending;
    source.lastProgressAt = state.context.now();
    this.#watchdog.heard();
    if (isGap && ownership === 'kept') state.gap(this.#review.isDone);
    if (isGap || ownership === 'gained') this.#doubt();
    state.reception.take(arrival, source, state.phase !== 'running' || state.isPaused);
    this.#wake(); // credit that was not looked at since is not told of when it comes back
  }

  /** Something that was delivered may not be here: what comes is held until that is known. */
  #doubt(): void {
    const { state } = this;
    if (!state.ownership.ordered) return;
    if (state.phase === 'taking-over') return this.#review.repeat();
    if (state.phase !== 'running') return;
    state.phase = 'taking-over';
    this.#review.start();
  }

  /** Nothing older is missing: what was held may run, in order. */
  #run(): void {
    this.state.ownership.reviewed();
    this.state.reception.sort();
    this.state.phase = 'running';
    this.state.lease.renewed();
    this.#go();
  }

  /** Somebody else owns it now. */
  #lose(): void {
    this.#review.cancel();
    this.#end();
    this.state.ownership.refused();
    this.state.phase = 'standby';
    this.#go();
  }

  #refused(): void {
    this.state.ownership.refused();
    if (this.state.inHand.size > 0) this.#doubt();
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
    const { phase, isPaused, source, reception } = this.state;
    if (phase === 'running' && !isPaused && source !== undefined && reception.held > 0) reception.release(source);
    const request = nextPull(this.state, this.#loop);
    if (request !== undefined) this.#loop.pull(request);
  }

  #revive(): void {
    const { connection, counts, context, plan } = this.state;
    if (connection === undefined) return;
    counts.revivals += 1;
    context.logger.warn(`NATS: ${plan.name} was connected but deaf; set up again`, { revivals: counts.revivals });
    this.#loop.open(connection);
    this.#doubt();
    this.#go();
  }

  /** The durable was deleted under us: it is made again, to go on where we were. */
  #gone(): void {
    const { state } = this;
    const { connection, inHand, phase } = state;
    if (phase === 'stopped' || phase === 'closed' || connection === undefined) return;
    const next = Math.min(state.highestSequence + 1, ...inHand.sequences());
    this.#end();
    this.cut();
    this.#recovery.start(connection, next);
  }
}
