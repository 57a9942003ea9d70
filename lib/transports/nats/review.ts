import { toError } from '../../core/errors.js';
import type { ConsumerState } from './consumer.state.js';
import type { PullLoop } from './pull-loop.js';
import { takeOverPort } from './replies.js';
import { takeOver } from './take-over.js';

const RETRY_MS = 500;

/** What comes of it. */
export interface ReviewPort {
  /** Nothing older is missing. */
  owned(): void;
  /** The server names somebody else as the owner. */
  foreign(): void;
}

/** Runs take-overs one after another: one that became necessary meanwhile follows, one that became void has no effect. */
export class Review {
  /** Grows with every change that makes a running one void. */
  #epoch = 0;
  /** One that became necessary while one was running. */
  #again = false;
  #isDone = false;

  constructor(
    private readonly state: ConsumerState,
    private readonly loop: PullLoop,
    private readonly port: ReviewPort,
  ) {}

  /** Whether nothing was missing when it last ran, and nothing has happened since that could have changed it. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What runs has no effect any more. */
  cancel(): void {
    this.#isDone = false;
    this.#epoch += 1;
    this.#again = false;
  }

  start(): void {
    this.#isDone = false;
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
    if (!this.#isCurrent(epoch)) return;
    this.#isDone = true;
    this.port.owned();
  }

  async #once(epoch: number): Promise<void> {
    const { context, counts, plan, ownership } = this.state;
    counts.takeOvers += 1;
    try {
      const { redelivered, leftToOthers } = await takeOver(
        takeOverPort(this.state, this.loop, {
          isActive: () => this.#isCurrent(epoch),
          foreign: () => this.port.foreign(),
        }),
      );
      if (leftToOthers > 0 && !ownership.ordered) this.state.warnOfRivals();
      if (redelivered > 0 || leftToOthers > 0)
        context.logger.log(`NATS: took over ${plan.name}`, { redelivered, leftToOthers });
    } catch (error) {
      if (!this.#isCurrent(epoch)) return;
      context.logger.warn(`NATS: taking over ${plan.name} failed; trying again`, { error: toError(error) });
      await context.pause.ms(RETRY_MS);
      this.#again = true;
    }
  }

  #isCurrent(epoch: number): boolean {
    return epoch === this.#epoch && this.state.phase === 'taking-over';
  }
}
