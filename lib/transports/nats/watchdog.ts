import { toError } from '../../core/errors.js';
import type { ConsumerState } from './consumer.state.js';
import type { PinnedConsumerInfo } from './durable.js';
import type { PullLoop } from './pull-loop.js';

/** So many pulls in a row without an answer, and the subscription is taken to be dead. */
const DEAF_PULLS = 3;

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

  constructor(
    private readonly state: ConsumerState,
    private readonly loop: PullLoop,
    private readonly port: WatchdogPort,
  ) {
    this.#heardAt = state.context.now();
  }

  /** A message came. */
  heard(): void {
    this.#heardAt = this.state.context.now();
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
    const isSilent = context.now() - this.#heardAt > 2 * context.options.ackWaitMs;
    if (isSilent && isFetching && !this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { plan, context, source } = this.state;
    this.#isAsking = true;
    try {
      const info = await this.state.info();
      if (source !== undefined) source.lag = info.num_pending;
      if (this.state.phase === 'running') this.#judge(info);
    } catch (error) {
      context.logger.debug(`NATS: the watchdog of ${plan.name} got no answer`, { error: toError(error) });
    }
    this.#heardAt = context.now();
    this.#isAsking = false;
  }

  #judge(info: PinnedConsumerInfo): void {
    const { ownership, lastSequence, context } = this.state;
    if (ownership.isForeign(info)) return this.port.doubtful();
    const isFull = info.num_ack_pending >= context.options.maxAckPending;
    if (info.num_pending > 0 && !isFull && this.loop.pulls.requested > 0)
      return this.#revive('nothing comes of what there is');
    if (ownership.ordered && info.delivered.consumer_seq > lastSequence) this.port.doubtful();
  }

  #revive(why: string): void {
    const { counts, context, plan } = this.state;
    counts.revivals += 1;
    context.logger.warn(`NATS: ${plan.name} was connected but deaf; set up again`, { why, revivals: counts.revivals });
    this.port.deaf();
  }
}
