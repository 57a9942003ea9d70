import { toError } from '../../core/errors.js';
import type { ConsumerState } from './consumer.state.js';
import type { PinnedConsumerInfo } from './durable.js';
import type { PullLoop } from './pull-loop.js';

/** So many pulls in a row without an answer, and the subscription is taken to be dead. */
const DEAF_PULLS = 3;
/** Silence after which somebody who may take what is ours is looked for. */
const SUSPICION_MS = 500;

/** What it may find. */
export interface WatchdogPort {
  /** Nothing comes although there is something. */
  deaf(): void;
  /** The server has delivered what has not come, or to somebody else. */
  doubtful(): void;
}

/** Notices a consumer that is connected and gets nothing although there is something. */
export class Watchdog {
  /** Pulls that ran out without a word from the server, in a row. */
  #unanswered = 0;
  #isAsking = false;
  /** Monotonic milliseconds. */
  #heardAt: number;
  /** Monotonic milliseconds. */
  #suspiciousUntil = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly state: ConsumerState,
    private readonly loop: PullLoop,
    private readonly port: WatchdogPort,
  ) {
    this.#heardAt = state.context.now();
  }

  /** A message came. @param at monotonic milliseconds */
  heard(at: number): void {
    this.#heardAt = at;
  }

  /** Pulls that are not ours are at the server, and can be for as long as a pull lasts. */
  suspect(): void {
    const { now, options } = this.state.context;
    this.#suspiciousUntil = now() + options.pullExpiryMs + SUSPICION_MS;
  }

  tick(): void {
    const { context, phase, isFetching } = this.state;
    const overdue = this.loop.pulls.endOverdue(context.now());
    this.#unanswered = this.loop.takeAnswered() ? 0 : this.#unanswered + overdue;
    if (phase !== 'running') return;
    if (this.#unanswered >= DEAF_PULLS) {
      this.#unanswered = 0;
      return this.#revive('no pull is answered');
    }
    if (!isFetching || this.#isAsking) return;
    const silentMs = context.now() - this.#heardAt;
    if (silentMs > 2 * context.options.ackWaitMs) void this.#ask((info) => this.#judge(info));
    else if (silentMs > SUSPICION_MS && context.now() < this.#suspiciousUntil)
      void this.#ask((info) => this.#judgeDelivered(info));
  }

  async #ask(judge: (info: PinnedConsumerInfo) => void): Promise<void> {
    const { plan, context, source } = this.state;
    this.#isAsking = true;
    try {
      const info = await this.state.info();
      if (source !== undefined) source.lag = info.num_pending;
      if (this.state.phase === 'running') judge(info);
    } catch (error) {
      context.logger.debug(`NATS: the watchdog of ${plan.name} got no answer`, { error: toError(error) });
    }
    this.#heardAt = context.now();
    this.#isAsking = false;
  }

  #judge(info: PinnedConsumerInfo): void {
    const { ownership, context } = this.state;
    if (ownership.isForeign(info)) return this.port.doubtful();
    const isFull = info.num_ack_pending >= context.options.maxAckPending;
    if (info.num_pending > 0 && !isFull && this.loop.pulls.requested > 0)
      return this.#revive('nothing comes of what there is');
    this.#judgeDelivered(info);
  }

  #judgeDelivered(info: PinnedConsumerInfo): void {
    const { ownership, lastSequence } = this.state;
    const isElsewhere = ownership.ordered && info.delivered.consumer_seq > lastSequence;
    if (isElsewhere || ownership.isForeign(info)) this.port.doubtful();
  }

  #revive(why: string): void {
    const { counts, context, plan } = this.state;
    counts.revivals += 1;
    context.logger.warn(`NATS: ${plan.name} was connected but deaf; set up again`, { why, revivals: counts.revivals });
    this.port.deaf();
  }
}
