import { toError } from '../../core/errors.js';
import type { ConsumerState } from './consumer.state.js';
import type { PinnedConsumerInfo } from './durable.js';
import { codeOf, CONSUMER_NOT_FOUND } from './jetstream-api.js';
import { PIN_GROUP } from './names.js';
import type { PullLoop } from './pull-loop.js';
import { repliesTaken, unpinnedInfo } from './replies.js';

/** What it tells its consumer. */
export interface HandoverPort {
  /** Ours, and nobody else is pinned: it can begin. */
  ready(info: PinnedConsumerInfo): void;
  /** The durable does not exist. */
  gone(): void;
}

/** The ways of one consumer into this process's hands, and out of them in good order. */
export class Handover {
  #isTakingUp = false;

  constructor(
    private readonly state: ConsumerState,
    private readonly loop: PullLoop,
    private readonly port: HandoverPort,
  ) {}

  /** Begins with a consumer that is claimed; what fails is tried again by the next call. Never rejects. */
  async takeUp(): Promise<void> {
    const { state } = this;
    const { connection } = state;
    if (this.#isTakingUp || !this.#mayBegin() || connection === undefined) return;
    this.#isTakingUp = true;
    try {
      const info = await unpinnedInfo(state);
      if (this.#mayBegin() && state.connection === connection) this.port.ready(info);
    } catch (error) {
      if (codeOf(error) === CONSUMER_NOT_FOUND && this.#mayBegin()) this.port.gone();
      else state.context.logger.debug(`NATS: cannot begin with ${state.plan.name} yet`, { error: toError(error) });
    }
    this.#isTakingUp = false;
  }

  /** Everything settled is with the server, and nothing is pinned to us any more. Never rejects. */
  async giveUp(): Promise<void> {
    const { connection, plan, context, ownership, highestSequence, lastSequence } = this.state;
    if (connection === undefined || connection.isClosed()) return;
    try {
      context.settles.flush();
      if (highestSequence > 0) await repliesTaken(this.state, highestSequence, lastSequence);
      else await Promise.race([connection.flush(), connection.closed()]);
      if (ownership.needsRenewal)
        await context.api.once((manager) => manager.consumers.unpin(plan.stream, plan.durable, PIN_GROUP));
    } catch (error) {
      context.logger.warn(`NATS: ${plan.name} could not be given up cleanly`, { error: toError(error) });
    }
  }

  /** Nothing more comes: resolves when what runs has ended, or the drain deadline has passed, and all of it is settled. Never rejects. */
  async drain(): Promise<void> {
    const { source, reception, context } = this.state;
    await this.loop.stop();
    reception.drop();
    if (source !== undefined) await context.port.revoking(source);
    if (this.state.source === source) await this.giveUp();
  }

  #mayBegin(): boolean {
    const { phase, ownership } = this.state;
    return phase === 'standby' && ownership.isOurs && ownership.lease === 'held';
  }
}
