import { toError } from '../../core/errors.js';
import type { ConsumerState } from './consumer.state.js';
import type { PullLoop } from './pull-loop.js';
import { takeOverPort } from './replies.js';
import { takeOver, type TakeOverReport } from './take-over.js';

const RETRY_MS = 500;

/** Runs take-overs one after another: one that became necessary meanwhile follows, one that became void has no effect. */
export class Review {
  /** Grows with every change that makes a running one void. */
  #epoch = 0;
  /** One that became necessary while one was running. */
  #again = false;

  /** @param complete nothing older is missing */
  constructor(
    private readonly state: ConsumerState,
    private readonly loop: PullLoop,
    private readonly complete: () => void,
  ) {}

  /** What runs has no effect any more. */
  cancel(): void {
    this.#epoch += 1;
    this.#again = false;
  }

  start(): void {
    this.#epoch += 1;
    void this.#run(this.#epoch);
  }

  repeat(): void {
    this.#again = true;
  }

  async #run(epoch: number): Promise<void> {
    do {
      this.#again = false;
      await this.#once(epoch);
    } while (this.#again && this.#isCurrent(epoch));
    if (this.#isCurrent(epoch)) this.complete();
  }

  async #once(epoch: number): Promise<void> {
    const { context, plan } = this.state;
    try {
      const report = await takeOver(takeOverPort(this.state, this.loop, () => this.#isCurrent(epoch)));
      if (this.#isCurrent(epoch)) this.#note(report);
    } catch (error) {
      if (!this.#isCurrent(epoch)) return;
      context.logger.warn(`NATS: taking over ${plan.name} failed; trying again`, { error: toError(error) });
      await context.pause.ms(RETRY_MS);
      this.#again = true;
    }
  }

  #note({ form, redelivered, span, durationMs }: TakeOverReport): void {
    const { counts, context, plan } = this.state;
    counts.takeOvers += 1;
    counts.lastTakeOverMs = Math.round(durationMs * 10) / 10;
    counts.longestTakeOverMs = Math.max(counts.longestTakeOverMs, counts.lastTakeOverMs);
    if (form === 'none') return;
    const { group } = plan.subscription;
    context.logger.log(`NATS: took over ${plan.name}`, {
      group,
      redelivered,
      span,
      form,
      durationMs: counts.lastTakeOverMs,
    });
  }

  #isCurrent(epoch: number): boolean {
    return epoch === this.#epoch && this.state.phase === 'taking-over';
  }
}
