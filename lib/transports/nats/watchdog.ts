import { toError } from '../../core/errors.js';
import type { NatsConsumer } from './consumer.js';
import type { PinnedConsumerInfo } from './durable.js';

/** So many pulls in a row without an answer, and the subscription is taken to be dead. */
const DEAF_PULLS = 3;

/** Notices a consumer that is connected and gets nothing although there is something. */
export class Watchdog {
  #unanswered = 0;
  #isAsking = false;
  /** Monotonic milliseconds. */
  #heardAt: number;

  constructor(
    private readonly consumer: NatsConsumer,
    private readonly revive: () => void,
    private readonly review: () => void,
  ) {
    this.#heardAt = consumer.context.now();
  }

  /** A message came. */
  heard(): void {
    this.#heardAt = this.consumer.context.now();
    this.#unanswered = 0;
  }

  tick(): void {
    const { loop, context, source, phase } = this.consumer;
    this.#unanswered = loop.takeAnswered() ? 0 : this.#unanswered;
    this.#unanswered += loop.pulls.endOverdue(context.now());
    if (phase !== 'running') return;
    if (this.#unanswered >= DEAF_PULLS) {
      this.#unanswered = 0;
      return this.revive();
    }
    const isSilent = context.now() - this.#heardAt > 2 * context.options.ackWaitMs;
    if (isSilent && source !== undefined && this.consumer.isFetching && !this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    const { plan, context, loop, source } = this.consumer;
    this.#isAsking = true;
    try {
      const info: PinnedConsumerInfo = await context.api.once((manager) =>
        manager.consumers.info(plan.stream, plan.durable),
      );
      if (source !== undefined) source.lag = info.num_pending;
      this.#judge(info, loop.pulls.requested > 0);
    } catch (error) {
      context.logger.debug(`NATS: the watchdog of ${plan.name} got no answer`, { error: toError(error) });
    }
    this.#heardAt = context.now();
    this.#isAsking = false;
  }

  #judge(info: PinnedConsumerInfo, isWaiting: boolean): void {
    const { ownership, lastSequence, context } = this.consumer;
    if (ownership.isForeign(info)) return this.consumer.lose();
    const isFull = info.num_ack_pending >= context.options.maxAckPending;
    if (info.num_pending > 0 && isWaiting && !isFull) return this.revive();
    if (ownership.ordered && info.delivered.consumer_seq !== lastSequence) this.review();
  }
}
