import { errors, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import type { BusLogger } from '../../../core/logger.js';
import type { JetStreamApi } from '../jetstream-api.js';
import { removeKey } from './buckets.js';
import { type MemberKey, memberKey } from './names.js';
import type { RollCall } from './roll.js';

const ANSWER_MS = 1_000;

/**
 * - gone: its connection is gone, and with it the process, or at least its lease: whoever has a name starts nothing while it is cut off
 * - living: it answered
 * - unknown: it has a connection and does not answer: stopped, blocked, or its machine is lost
 */
type Sign = 'gone' | 'living' | 'unknown';

export interface NamesakesOptions {
  readonly group: string;
  readonly instanceId: string | undefined;
  readonly inboxPrefix: string;
  /** Of the members. */
  readonly bucket: string;
  readonly roll: RollCall;
  readonly api: JetStreamApi;
  readonly logger: BusLogger;
}

/**
 * Members of one `instanceId`: the process before this one, which is dead, and whose key would live on for its TTL. It is asked whether it
 * lives; when nobody is there to be asked, its key is removed, and what it owned is free at once. Does nothing without an `instanceId`.
 */
export class Namesakes {
  #subscription: Subscription | undefined;

  constructor(private readonly options: NamesakesOptions) {}

  /** Answers that this member lives, for as long as the connection lasts. */
  open(connection: NatsConnection, me: string): void {
    this.close();
    if (this.options.instanceId === undefined) return;
    this.#subscription = connection.subscribe(this.#subjectOf(me), {
      callback: (error, message) => {
        if (error === null) message.respond();
      },
    });
  }

  close(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  /** @throws what the client throws */
  async replace(connection: NatsConnection, me: string): Promise<void> {
    const { instanceId, roll } = this.options;
    if (instanceId === undefined) return;
    const { living } = await roll.take();
    const namesakes = living.filter(({ id, name }) => name === instanceId && id !== me);
    await Promise.all(namesakes.map((one) => this.#replace(connection, one)));
  }

  async #replace(connection: NatsConnection, namesake: MemberKey): Promise<void> {
    const { instanceId, group, bucket, api, logger } = this.options;
    const sign = await this.#ask(connection, namesake.id);
    if (sign === 'gone') {
      await api.once((manager) => removeKey(manager, bucket, memberKey(namesake)));
      return logger.log(`NATS: goes on for the "${instanceId}" before this one`, { group, member: namesake.id });
    }
    if (sign === 'living')
      return logger.warn(
        `NATS: another process that lives has instanceId "${instanceId}": both take part, and neither can go on for the other at once`,
        { group, member: namesake.id },
      );
    logger.warn(`NATS: the "${instanceId}" before this one does not answer; waiting until its membership has run out`, {
      group,
      member: namesake.id,
    });
  }

  async #ask(connection: NatsConnection, id: string): Promise<Sign> {
    try {
      await connection.request(this.#subjectOf(id), undefined, { timeout: ANSWER_MS });
      return 'living';
    } catch (error) {
      const isGone = error instanceof errors.RequestError && error.isNoResponders();
      return isGone || error instanceof errors.NoRespondersError ? 'gone' : 'unknown';
    }
  }

  #subjectOf(id: string): string {
    return `${this.options.inboxPrefix}.eventbus.${id}`;
  }
}
