import { NotConnectedError } from '../../../core/errors.js';
import type { Handle, HandleRegister } from '../../../core/handle-register.js';
import type { BusLogger } from '../../../core/logger.js';
import type { ConsumerPort, Subscription } from '../../../transport/transport.js';
import { errorType } from '../driver/client-errors.js';
import type { KafkaDriver, KafkaMember, MemberOptions } from '../driver/driver.js';
import { within } from '../driver/within.js';
import type { ResolvedKafkaOptions } from '../kafka.options.js';
import type { TopicNames } from '../topics/topic-names.js';
import { detailsOf } from './group-details.js';
import { GroupFetch } from './group-fetch.js';
import type { TopicWatch } from './topic-watch.js';
import { Watchdog } from './watchdog.js';
import { WakeUp } from './wake-up.js';

const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 5_000;
const LONGEST_IDLE_WAIT_MS = 5_000;

/** What a group's consumer is made of. */
export interface GroupParts {
  readonly bus: string;
  readonly subscription: Subscription;
  readonly options: ResolvedKafkaOptions;
  readonly driver: KafkaDriver;
  readonly watch: TopicWatch;
  readonly names: TopicNames;
  readonly port: ConsumerPort;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  partitionsOf(topics: readonly string[]): Promise<Readonly<Record<string, readonly number[]>>>;
}

/**
 * Keeps one member of a group alive: a member's life ends with a crash of kafkajs, and a new one follows with backoff. Topics
 * that come later are added to the running member.
 */
export class GroupConsumer {
  readonly fetch: GroupFetch;
  readonly #parts: GroupParts;
  readonly #pauses = new WakeUp();
  readonly #timer: Handle;
  readonly #watchdog: Watchdog;
  #member: KafkaMember | undefined;
  /** What the running member subscribes to. */
  #topics: readonly string[] = [];
  #isClosed = false;
  #restarts = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  #running: Promise<void> = Promise.resolve();
  #refreshing: Promise<void> | undefined;

  constructor(parts: GroupParts) {
    this.#parts = parts;
    this.fetch = new GroupFetch(parts, () => this.#member);
    const { group } = parts.subscription;
    this.#watchdog = new Watchdog({
      ...parts,
      group,
      deafAfterMs: parts.options.deafAfterMs,
      deaf: () => this.fetch.deaf,
      delivered: () => this.fetch.delivered,
      revive: () => this.#revive(),
    });
    this.#timer = parts.handles.interval(
      `kafka topics of ${group}`,
      () => this.#refresh(),
      parts.options.topicRefreshMs,
    );
  }

  /** Resolves with the first assignment, or after `waitMs`: a broker that is away holds nobody up. */
  async start(waitMs: number): Promise<void> {
    this.#running = this.#run();
    await within(waitMs, this.fetch.firstAssignment);
  }

  /** The broker is there again: no use in waiting on. */
  connected(): void {
    this.#backoffMs = FIRST_BACKOFF_MS;
    this.#pauses.wake();
  }

  /** Commits, gives everything up and leaves the group. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.closed();
    this.#watchdog.close();
    this.#pauses.wake();
    this.fetch.closing();
    await this.#member?.stop();
    this.fetch.crashed(new Error('closed'));
    await this.#running;
    await this.#refreshing;
    await this.fetch.logs.settled();
    this.fetch.close();
  }

  details(): Readonly<Record<string, unknown>> {
    return {
      ...detailsOf(this.fetch),
      topics: this.#topics.map((topic) => this.#parts.names.app(topic)),
      missingTopics: this.#parts.watch.missing,
      restarts: this.#restarts,
      revivals: this.#watchdog.revivals,
    };
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const failure = await this.#live();
      if (this.#isClosed) return;
      if (failure !== undefined) this.#report(failure);
      await this.#pauses.sleep(this.#backoffMs);
      this.#backoffMs = Math.min(this.#backoffMs * 2, LONGEST_BACKOFF_MS);
    }
  }

  /** One life. Resolves with what ended it; undefined when there was nothing to live for. */
  async #live(): Promise<Error | undefined> {
    let member: KafkaMember | undefined;
    let handle: Handle | undefined;
    try {
      this.#topics = await this.#parts.watch.resolve();
      if (this.#topics.length === 0) return this.fetch.nothingToConsume();
      if (this.#isClosed) return undefined;
      const crash = this.fetch.nextCrash();
      member = this.#member = this.#parts.driver.createMember(memberOptions(this.#parts), this.fetch);
      handle = this.#parts.handles.open('consumer', `kafka member of ${this.#parts.subscription.group}`);
      await member.start(this.#topics);
      this.#backoffMs = FIRST_BACKOFF_MS;
      return await crash;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#member = undefined;
      await member?.stop();
      this.fetch.ownership.loseAll();
      handle?.closed();
    }
  }

  /** What hangs is cut, so that the member can end. */
  #revive(): void {
    this.#member?.cut();
    this.fetch.crashed(new DeafConsumerError());
  }

  #refresh(): void {
    this.fetch.logs.compare();
    if (this.#refreshing !== undefined || this.#isClosed || !this.#parts.watch.mayGrow) return;
    this.#refreshing = this.#extend()
      .catch((error: unknown) => this.#parts.logger.debug('Cannot look for new topics.', { error: errorType(error) }))
      .finally(() => (this.#refreshing = undefined));
  }

  async #extend(): Promise<void> {
    const found = await this.#parts.watch.resolve();
    const fresh = found.filter((topic) => !this.#topics.includes(topic));
    if (fresh.length === 0) return;
    if (this.#member === undefined) return this.#pauses.wake();
    await this.#member.extend(fresh);
    this.#topics = [...this.#topics, ...fresh];
    this.#parts.logger.log('New topics are consumed.', {
      group: this.#parts.subscription.group,
      topics: fresh.join(', '),
    });
  }

  /** A broker that is away is said by the connection, a revival by the watchdog. */
  #report(error: Error): void {
    if (error instanceof NotConnectedError || error instanceof DeafConsumerError) return;
    this.#restarts += 1;
    const { group } = this.#parts.subscription;
    this.#parts.logger.warn('A consumer of Kafka ended; another one is started.', {
      group,
      error: `${errorType(error)}: ${error.message}`,
      restarts: this.#restarts,
    });
  }
}

/** Ends the life of a member that gets nothing. */
class DeafConsumerError extends Error {}

function memberOptions({ options, names, subscription }: GroupParts): MemberOptions {
  return {
    groupId: names.wire(subscription.group),
    maxBytesPerPartition: options.maxBytesPerPartition,
    maxWaitTimeMs: options.maxWaitTimeMs,
    sessionTimeoutMs: options.sessionTimeoutMs,
    heartbeatIntervalMs: options.heartbeatIntervalMs,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs,
    metadataMaxAgeMs: options.topicRefreshMs,
    idleWaitMs: idleWaitMs(options),
  };
}

/** Never so long that the fetch is taken for unanswered, nor that it looks late for new partitions. */
function idleWaitMs({ connection, deafAfterMs, topicRefreshMs }: ResolvedKafkaOptions): number {
  return Math.min(LONGEST_IDLE_WAIT_MS, connection.requestTimeoutMs / 2, deafAfterMs / 3, topicRefreshMs);
}
