import { type Msg, MsgImpl } from '@nats-io/transport-node';
import { isDeadTopic } from '../../core/pattern.js';
import type { ConsumerPort } from '../../transport/transport.js';
import { type AckReply, readAckReply } from './ack-reply.js';
import type { ConsumerCounts } from './consumer.context.js';
import type { ConsumerPlan } from './consumer-plan.js';
import { partNumber } from './dead-letter.reader.js';
import type { InHand } from './in-hand.js';
import { NatsDelivery } from './nats.delivery.js';
import type { NatsSource } from './nats.source.js';
import { RawMessage } from './raw-message.js';
import type { Settles } from './settles.js';
import { covers } from './subjects.js';

/** Bounds the memory of which subjects are wanted. */
const MOST_SUBJECTS = 10_000;

/** What of a message concerns the pulls and the ownership, before anything else is decided. */
export interface Arrival {
  readonly facts: AckReply;
  readonly raw: RawMessage;
}

/** Where messages become deliveries: once each, those the group wants, in order, and held while they may not run yet. */
export class Reception {
  /** Held: taken over, or behind what is; in stream order once `sort` was called. */
  #backlog: NatsDelivery[] = [];
  readonly #wantedBySubject = new Map<string, boolean>();

  constructor(
    private readonly plan: ConsumerPlan,
    private readonly inHand: InHand,
    private readonly counts: ConsumerCounts,
    private readonly settles: Settles,
    private readonly port: ConsumerPort,
    private readonly fetchWhole: (delivery: NatsDelivery) => Promise<void>,
  ) {}

  get held(): number {
    return this.#backlog.length;
  }

  /** Undefined for what is no delivery. */
  static read(message: Msg): Arrival | undefined {
    const reply = message.reply ?? '';
    const facts = readAckReply(reply);
    if (facts === undefined || !(message instanceof MsgImpl)) return undefined;
    return { facts, raw: new RawMessage(message, reply) };
  }

  /** Delivers it, or holds it; what is here or was settled here is not delivered again. */
  take({ facts, raw }: Arrival, source: NatsSource, isHeld: boolean): void {
    this.counts.arrived += 1;
    if (facts.deliveries > 1) this.counts.redelivered += 1;
    const present = this.inHand.find(facts.streamSequence, facts.storedNanos);
    if (present !== undefined) {
      this.counts.repeats += 1;
      present.reply = raw.reply;
      return;
    }
    if (this.inHand.wasSettled(facts.streamSequence, facts.storedNanos)) {
      this.counts.reacknowledged += 1;
      return this.settles.add(raw.reply);
    }
    if (!this.#isWanted(raw.subject)) {
      this.counts.ignored += 1;
      return this.settles.add(raw.reply);
    }
    const delivery = new NatsDelivery(source, this.plan, facts, raw);
    const part = isDeadTopic(delivery.message.topic) ? partNumber(delivery.message.headers) : undefined;
    if (part !== undefined && part.number < part.count) return this.settles.add(raw.reply);
    this.inHand.add(delivery);
    if (part !== undefined) {
      delivery.isWhole = false;
      void this.fetchWhole(delivery);
    }
    if (!delivery.isWhole || isHeld || this.#backlog.length > 0) this.#backlog.push(delivery);
    else this.port.deliver(delivery);
  }

  /** Redeliveries do not come in order. */
  sort(): void {
    this.#backlog.sort((one, other) => one.streamSequence - other.streamSequence);
  }

  /** Delivers what was held, as far as there is credit. */
  release({ credit }: NatsSource): void {
    let released = 0;
    for (const delivery of this.#backlog) {
      if (!delivery.isWhole || credit.messages <= 0 || credit.bytes <= 0) break;
      released += 1;
      this.port.deliver(delivery);
    }
    this.#backlog = this.#backlog.slice(released);
  }

  /** It is not to be delivered any more. */
  remove(delivery: NatsDelivery): void {
    this.#backlog = this.#backlog.filter((one) => one !== delivery);
    this.inHand.remove(delivery);
  }

  /** Gives back what was never delivered. */
  drop(): NatsDelivery[] {
    const dropped = this.#backlog;
    this.#backlog = [];
    for (const delivery of dropped) this.inHand.remove(delivery);
    return dropped;
  }

  #isWanted(subject: string): boolean {
    if (this.plan.filters === this.plan.wanted) return true;
    const known = this.#wantedBySubject.get(subject);
    if (known !== undefined) return known;
    if (this.#wantedBySubject.size >= MOST_SUBJECTS) this.#wantedBySubject.clear();
    const wanted = this.plan.wanted.some((pattern) => covers(pattern, subject));
    this.#wantedBySubject.set(subject, wanted);
    return wanted;
  }
}
