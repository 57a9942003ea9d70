import type { NatsConnection } from '@nats-io/transport-node';
import { toError } from '../../core/errors.js';
import type { ConsumerState } from './consumer.state.js';

const RETRY_MS = 500;

/** Makes a durable again that was deleted under us, for as long as the connection is the same. */
export class Recovery {
  constructor(
    private readonly state: ConsumerState,
    private readonly open: (connection: NatsConnection, startSequence: number | undefined) => Promise<void>,
  ) {}

  /** @param next the first stream sequence that is not settled */
  start(connection: NatsConnection, next: number): void {
    const { plan, context } = this.state;
    context.logger.warn(`NATS: consumer "${plan.durable}" is gone; making it again`, {
      group: plan.subscription.group,
    });
    void this.#run(connection, next);
  }

  async #run(connection: NatsConnection, next: number): Promise<void> {
    const { context, plan } = this.state;
    while (!connection.isClosed() && this.state.phase === 'closed') {
      try {
        return await this.open(connection, await this.#sequenceAfterLoss(connection, next));
      } catch (error) {
        context.logger.error(`NATS: consumer "${plan.durable}" cannot be made again; trying again`, {
          error: toError(error),
        });
        await context.pause.ms(RETRY_MS);
      }
    }
  }

  /**
   * Where the group goes on: at the first event it had not settled. Undefined, which is where a new group begins, when the stream was made
   * anew too.
   */
  async #sequenceAfterLoss(connection: NatsConnection, next: number): Promise<number | undefined> {
    const { context, plan, streamCreatedAt } = this.state;
    context.births.forget(plan.stream);
    const createdAt = await context.births.of(plan.stream, connection);
    return createdAt === streamCreatedAt && next > 1 ? next : undefined;
  }
}
