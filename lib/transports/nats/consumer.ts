import type { NatsConnection } from '@nats-io/transport-node';
import type { Handle } from '../../core/handle-register.js';
import type { ConsumerContext } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { ConsumerState } from './consumer.state.js';
import { Arrivals } from './arrivals.js';
import type { Seat } from './claims/seat.js';
import type { PinnedConsumerInfo } from './durable.js';
import { Handover } from './handover.js';
import { OnceATurn } from './once-a-turn.js';
import type { Ownership } from './ownership.js';
import { PullLoop } from './pull-loop.js';
import { nextPull } from './pull-policy.js';
import { Recovery } from './recovery.js';
import { sendReply } from './replies.js';
import { Review } from './review.js';
import { Watchdog } from './watchdog.js';

/**
 * One durable consumer: asks for messages within the credit, delivers them in order, keeps the lease on what is in hand. Shared among instances,
 * or a seat that one of them owns: then `gained`, `release` and `lost` say when.
 */
export class NatsConsumer implements Seat {
  readonly key: string;
  readonly name: string;
  readonly state: ConsumerState;
  readonly #loop: PullLoop;
  readonly #review: Review;
  readonly #handover: Handover;
  readonly #recovery: Recovery;
  readonly #watchdog: Watchdog;
  readonly #handle: Handle;
  /** Not synchronously: `replenished` must not deliver. */
  readonly #soon = new OnceATurn(() => this.#go());

  constructor(plan: ConsumerPlan, context: ConsumerContext, ownership: Ownership) {
    const state = new ConsumerState(plan, context, ownership);
    this.key = plan.claimKey;
    this.name = plan.name;
    this.state = state;
    this.#loop = new PullLoop(plan, context, {
      arrived: (message) => arrivals.take(message),
      refused: () => this.#refused(),
      gone: () => this.#gone(),
      room: () => this.#go(),
    });
    const arrivals = new Arrivals(state, this.#loop, {
      heard: (at) => this.#watchdog.heard(at),
      gap: () => this.#gap(),
      wake: () => this.#soon.ask(),
    });
    this.#review = new Review(state, this.#loop, () => this.#run());
    this.#handover = new Handover(state, this.#loop, { ready: (info) => this.#begin(info), gone: () => this.#gone() });
    this.#recovery = new Recovery(state, (connection, startSequence) => this.open(connection, startSequence));
    this.#watchdog = new Watchdog(state, this.#loop, { deaf: () => this.#revive(), doubtful: () => this.#doubt() });
    this.#handle = context.handles.open('consumer', `nats ${plan.name}`);
  }

  /** Begins, or goes on after a cut. @throws TopologyError */
  async open(connection: NatsConnection, startSequence?: number): Promise<void> {
    const { state } = this;
    if (state.phase === 'stopped') state.connection = connection;
    if (state.phase === 'stopped') return;
    const info = await state.ensure(startSequence);
    const createdAt = await state.context.births.of(state.plan.stream, connection);
    if (connection.isClosed()) return;
    state.connection = connection;
    if (state.phase !== 'closed') return;
    if (state.streamCreatedAt !== createdAt) state.end();
    state.streamCreatedAt = createdAt;
    if (state.source !== undefined) return this.#goOn(info);
    state.phase = 'standby';
    if (state.ownership.ordered) void this.#handover.takeUp();
    else this.#begin(info);
  }

  /** The connection is gone. What is in hand stays so, for as long as the lease lasts. */
  cut(): void {
    const { state } = this;
    this.#review.cancel();
    this.#loop.cut();
    state.connection = undefined;
    if (state.phase !== 'stopped' && state.phase !== 'draining') state.phase = 'closed';
  }

  pause(): void {
    this.state.isPaused = true;
  }

  resume(): void {
    this.state.isPaused = false;
    this.#soon.ask();
  }

  /** Every quarter of a second. */
  tick(): void {
    const { connection, inHand, extensions, ownership } = this.state;
    this.#watchdog.tick();
    if (extensions.isDue()) for (const { reply } of inHand.values()) sendReply(connection, reply, 'working');
    if (ownership.needsRenewal) this.#loop.renew(ownership.identity);
    void this.#handover.takeUp();
    this.#go();
  }

  get canMove(): boolean {
    return this.state.phase === 'running';
  }

  gained(): void {
    this.state.ownership.gained();
    void this.#handover.takeUp();
  }

  async release(): Promise<void> {
    const { state } = this;
    const { source } = state;
    this.#review.cancel();
    if (state.phase !== 'stopped') state.phase = 'draining';
    await this.#handover.drain();
    if (state.source === source) this.lost();
  }

  lost(): void {
    const { state } = this;
    state.ownership.lost();
    this.#review.cancel();
    this.#loop.drop();
    state.end();
    if (state.phase === 'stopped') return;
    state.phase = state.connection === undefined ? 'closed' : 'standby';
  }

  /** Asks for nothing more; what was on the wire is delivered, what was held goes back. */
  async stop(): Promise<void> {
    const { state } = this;
    if (state.phase === 'stopped' || state.phase === 'draining') return;
    await this.#loop.stop();
    this.#review.cancel();
    state.phase = 'stopped';
    for (const { reply } of state.reception.drop()) sendReply(state.connection, reply, 'nak');
  }

  /** Everything settled is with the server, and the source is given up. */
  async close(): Promise<void> {
    await this.#handover.giveUp();
    this.#loop.drop();
    this.state.end();
    this.#handle.closed();
  }

  /** What was delivered before, to a predecessor or to us, is to be here before anything newer runs. */
  #begin(info: PinnedConsumerInfo): void {
    const { state } = this;
    if (state.connection === undefined) return;
    state.lastSequence = info.delivered.consumer_seq;
    state.highestSequence = info.ack_floor.stream_seq;
    this.#loop.open(state.connection);
    state.assign(info.num_pending, () => this.#soon.ask());
    this.#doubt();
    this.#go();
  }

  /** A server back from a crash may know less than we do. */
  #goOn(info: PinnedConsumerInfo): void {
    const { state } = this;
    if (state.connection === undefined) return;
    state.lastSequence = Math.min(state.lastSequence, info.delivered.consumer_seq);
    if (info.num_waiting > 0) this.#fence();
    state.phase = 'running';
    this.#loop.open(state.connection);
    this.#doubt();
    this.#go();
  }

  /** Pulls of the connection before are still there, for the server has not missed it: with the pin anew they get nothing more. */
  #fence(): void {
    this.state.ownership.unpinned();
    this.#watchdog.suspect();
  }

  #gap(): void {
    this.state.counts.gaps += 1;
    this.#doubt();
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
    this.state.reception.sort();
    this.state.phase = 'running';
    this.#go();
  }

  /** The server has somebody else pinned, or nobody: what was delivered meanwhile went elsewhere. */
  #refused(): void {
    this.state.ownership.unpinned();
    this.#doubt();
  }

  #go(): void {
    const { phase, isPaused, source, reception } = this.state;
    if (phase === 'running' && !isPaused && source !== undefined && reception.held > 0) reception.release(source);
    const request = nextPull(this.state, this.#loop);
    if (request !== undefined) this.#loop.pull(request);
  }

  #revive(): void {
    const { connection } = this.state;
    if (connection === undefined) return;
    this.#loop.open(connection);
    this.#doubt();
    this.#go();
  }

  /** The durable was deleted under us: it is made again, to go on where we were. */
  #gone(): void {
    const { state } = this;
    const { connection, inHand, phase } = state;
    if (phase === 'stopped' || phase === 'closed' || phase === 'draining' || connection === undefined) return;
    const next = Math.min(state.highestSequence + 1, ...inHand.sequences());
    state.end();
    this.#loop.drop();
    this.cut();
    this.#recovery.start(connection, next);
  }
}
