import { type MonotonicClock, monotonicNow } from '../core/clock.js';
import type { HandleRegister } from '../core/handle-register.js';
import type { Position } from '../transport/message.js';
import type { ConnectionStatus, PublisherPort, Transport } from '../transport/transport.js';
import { CallOrder } from './call-order.js';
import { DeadLetterQueue } from './dead-letter-queue.js';
import { DeadlineSweep, timeoutError } from './deadline-sweep.js';
import { KeyOrder } from './key-order.js';
import { Milestones } from './milestones.js';
import type { PendingPublish, PublishState } from './pending-publish.js';
import type { PublishLedger } from './publish-ledger.js';
import { once, ResendQueue, resendDelay } from './resend-queue.js';
import { type AckPoolBounds, Room } from './room.js';

/** Publishes that are ended in one turn of the event loop when many are due. */
const ENDS_PER_TURN = 2000;

/** What the ACK pool is made of. */
export interface AckPoolContext {
  readonly bounds: AckPoolBounds;
  readonly handles: HandleRegister;
  /** Where publishes go once they have ended; says how far results that wait hold the pool back. */
  readonly ledger: PublishLedger;
  readonly now?: MonotonicClock;
}

/**
 * The publishes that wait for their confirm: bounded, each with a deadline, each ending once.
 * submit → (queued until there is room) → sent → confirmed, rejected, unknown; or failed and sent again, in the order of its key.
 * Slots are never used twice: an answer to a publish that has ended finds nothing.
 */
export class AckPool implements PublisherPort {
  readonly #ledger: PublishLedger;
  readonly #order: CallOrder;
  readonly #keys: KeyOrder;
  readonly #resends: ResendQueue;
  readonly #sweep: DeadlineSweep;
  readonly #deadLetters: DeadLetterQueue;
  #transport: Pick<Transport, 'name' | 'publish'> | undefined;
  readonly #room: Room;
  readonly #flushes = new Milestones();
  /** Publishes that wait for room; the first of them is at `#nextQueued` or later. */
  #queued = 0;
  #nextQueued = 0;
  #isAdmitting = false;
  #isClosed = false;

  constructor(context: AckPoolContext) {
    const { bounds, handles, ledger, now = monotonicNow } = context;
    this.#room = new Room(bounds, () => ledger.overflow);
    this.#ledger = ledger;
    this.#order = new CallOrder(bounds.maxPending);
    this.#resends = new ResendQueue(handles, now);
    const port = {
      send: (publish: PendingPublish) => this.#send(publish),
      giveUp: (publish: PendingPublish, error: Error) => this.giveUp(publish, error),
    };
    this.#keys = new KeyOrder(this.#order, port, this.#resends);
    this.#sweep = new DeadlineSweep(this, handles, now);
    this.#deadLetters = new DeadLetterQueue((publish) => this.#take(publish));
    ledger.onRoom(() => this.#admitQueued());
  }

  /** To be called once, before the first publish. */
  attach(transport: Pick<Transport, 'name' | 'publish'>): void {
    this.#transport = transport;
  }

  /** Publishes in the pool. */
  get pending(): number {
    return this.#room.pending;
  }

  get pendingBytes(): number {
    return this.#room.pendingBytes;
  }

  /** Monotonic milliseconds since when the oldest has waited. */
  get oldestSince(): number | undefined {
    return this.#order.oldest?.startedAt;
  }

  get isEmpty(): boolean {
    return this.#order.size === 0 && this.#deadLetters.size === 0;
  }

  /** Whether a publish of this size would be sent at once. */
  hasRoom(sizeBytes: number): boolean {
    return this.#queued === 0 && this.#room.fits(sizeBytes);
  }

  /** Takes it in: sends it, or lets it wait for room. Its place in call order is taken now. */
  submit(publish: PendingPublish): void {
    this.#order.push(publish);
    this.#sweep.watch(publish.deadline);
    if (this.hasRoom(publish.sizeBytes)) {
      this.#admit(publish);
      return;
    }
    if (this.#queued === 0) this.#nextQueued = publish.slot;
    this.#queued += 1;
  }

  /** Takes a dead letter in, into a reserved slot: no bound on its size, and no waiting for other publishes. */
  submitDead(publish: PendingPublish): void {
    this.#deadLetters.add(publish);
  }

  confirmed(slot: number, position: Position, duplicate: boolean): void {
    const publish = this.#order.find(slot);
    if (publish === undefined || publish.hasEnded) return;
    const before = publish.state;
    publish.state = 'confirmed';
    this.#ledger.confirmed(publish, position, duplicate);
    this.#ended(publish, before);
  }

  failed(slot: number, how: 'unsent' | 'unknown' | 'rejected', error: Error): void {
    const publish = this.#order.find(slot);
    if (publish?.state !== 'sent') return;
    publish.attempts += 1;
    publish.error = error;
    publish.wasCutOff = how === 'unknown';
    publish.mayBeStored ||= publish.wasCutOff;
    if (how === 'rejected') return this.#fail(publish, publish.mayBeStored ? 'unknown' : 'rejected', error);
    if (publish.key !== undefined) return this.#keys.failed(publish, publish.key);
    publish.state = 'parked';
    this.#resends.add(
      once(() => this.#send(publish)),
      resendDelay(publish.attempts),
    );
  }

  /** To be called at every change of the connection. */
  transportStatus({ state }: Pick<ConnectionStatus, 'state'>): void {
    if (state === 'connected') this.#resends.release();
    else this.#resends.hold();
  }

  /** Ends it now: `unknown` when an attempt may be stored, else `rejected`. No effect when it has ended. */
  giveUp(publish: PendingPublish, error: Error): void {
    if (publish.hasEnded) return;
    if (publish.state === 'sent') publish.mayBeStored = publish.wasCutOff = true;
    this.#fail(publish, publish.mayBeStored ? 'unknown' : 'rejected', error);
  }

  /** Resolves when all publishes so far have ended. */
  async flush(): Promise<void> {
    const slot = this.#order.nextSlot;
    if (this.#order.first < slot) await this.#flushes.wait(slot);
  }

  /** Resolves when nothing is left, what waits for a reserved slot included. */
  async drained(): Promise<void> {
    while (!this.isEmpty) await this.flush();
  }

  /** @internal Ends what is due, in parts. */
  sweep(now: number): number {
    let [left, earliest] = [ENDS_PER_TURN, Infinity];
    for (const publish of this.#order) {
      if (publish.hasEnded) continue;
      if (publish.deadline <= now && left > 0) {
        left -= 1;
        this.giveUp(publish, timeoutError(publish, this.#room.bounds, this.#transport?.name));
      } else if (publish.deadline < earliest) earliest = publish.deadline;
    }
    return earliest;
  }

  /** Ends everything that is left, a part a turn. Nothing may be submitted any more, and no deadline counts: its timer goes at once. */
  async close(error: Error): Promise<void> {
    this.#isClosed = true;
    this.#sweep.close();
    this.#resends.close();
    for (const publish of this.#deadLetters.close()) this.#ledger.failed(publish, 'rejected', error);
    while (!this.isEmpty) {
      let left = ENDS_PER_TURN;
      for (const publish of this.#order) {
        if (left === 0) break;
        if (!publish.hasEnded) left -= 1;
        this.giveUp(publish, error);
      }
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    this.#keys.close();
  }

  /** A dead letter gets its place in call order when a reserved slot is free. */
  #take(publish: PendingPublish): void {
    this.#order.push(publish);
    if (!this.#isClosed) this.#sweep.watch(publish.deadline);
    this.#sendInOrder(publish);
  }

  #admit(publish: PendingPublish): void {
    this.#room.take(publish.sizeBytes);
    this.#sendInOrder(publish);
  }

  #sendInOrder(publish: PendingPublish): void {
    const broken = this.#keys.size === 0 ? undefined : this.#keys.find(publish);
    if (broken === undefined) this.#send(publish);
    else broken.park(publish);
  }

  #send(publish: PendingPublish): void {
    if (publish.message === undefined) return;
    publish.state = 'sent';
    this.#transport?.publish(publish.message, publish.slot);
  }

  #fail(publish: PendingPublish, outcome: 'rejected' | 'unknown', error: Error): void {
    const before = publish.state;
    publish.state = 'failed';
    this.#ledger.failed(publish, outcome, error);
    this.#ended(publish, before);
  }

  #ended(publish: PendingPublish, before: PublishState): void {
    publish.message = undefined;
    this.#order.ended(publish);
    if (this.#keys.size > 0) this.#keys.find(publish)?.ended(publish, before === 'sent');
    if (publish.isDead) this.#deadLetters.ended();
    else if (before === 'queued') this.#queued -= 1;
    else this.#room.free(publish.sizeBytes);
    if (this.#queued > 0) this.#admitQueued();
    if (!this.#flushes.isEmpty) this.#flushes.reached(this.#order.first);
  }

  /** In a loop and never nested: a transport may answer from within `publish`. */
  #admitQueued(): void {
    if (this.#isAdmitting || this.#isClosed) return;
    this.#isAdmitting = true;
    while (this.#queued > 0) {
      const publish = this.#order.find(this.#nextQueued);
      const isQueued = publish?.state === 'queued';
      if (isQueued && !this.#room.fits(publish.sizeBytes)) break;
      this.#nextQueued += 1;
      if (!isQueued) continue;
      this.#queued -= 1;
      this.#admit(publish);
    }
    this.#isAdmitting = false;
  }
}
