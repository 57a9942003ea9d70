import type { NatsConnection } from '@nats-io/transport-node';
import { toError } from '../../../core/errors.js';
import type { Handle } from '../../../core/handle-register.js';
import type { ConsumerContext } from '../consumer.context.js';
import { type Buckets, openBuckets } from './buckets.js';
import type { ClaimsState } from './claims-state.js';
import { ClaimTable } from './claim-table.js';
import { Holdings } from './holdings.js';
import { Membership } from './membership.js';
import { type BucketNames, bucketNames } from './names.js';
import { Namesakes } from './namesakes.js';
import { type KnownStreams, writeMember } from './records.js';
import { RollCall } from './roll.js';
import { Rounds } from './rounds.js';
import type { Seat } from './seat.js';

/** How often everybody looks at the whole; changes of claims are looked at when they come. */
const LOOK_MS = 500;
const RETRY_MS = 1_000;

export interface GroupClaimsOptions {
  readonly group: string;
  /** What this instance can own. */
  readonly streams: KnownStreams;
}

/**
 * Who owns which consumer of a group, agreed on by its instances among themselves: a membership with a heartbeat and a lease, a table of
 * claims written by compare-and-set, and one plan that everybody computes. See docs/adr/0025-claims-on-nats.md.
 */
export class GroupClaims {
  readonly #names: BucketNames;
  readonly #membership: Membership;
  readonly #table: ClaimTable;
  readonly #holdings: Holdings;
  readonly #rounds: Rounds;
  readonly #namesakes: Namesakes;
  readonly #handle: Handle;
  #connection: NatsConnection | undefined;
  /** Opened by `prepare`, for the first connection. */
  #prepared: Buckets | undefined;
  /** On which the buckets are open. */
  #openOn: NatsConnection | undefined;
  #isOpening = false;
  #triedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Nothing is claimed before: the server let us go too early, and so perhaps others, who still think that they own it. */
  #takesFrom = Number.NEGATIVE_INFINITY;
  #evictions = 0;
  #trouble: Error | undefined;
  #isLeaving = false;

  constructor(
    private readonly options: GroupClaimsOptions,
    private readonly context: ConsumerContext,
    seats: readonly Seat[],
  ) {
    const { group, streams } = options;
    const { api, logger, handles, inboxPrefix, topicPrefix } = context;
    const { instanceId } = context.options;
    const now = (): number => context.now();
    this.#names = bucketNames(topicPrefix, group);
    const bucket = this.#names.members;
    this.#membership = new Membership({ bucket, instanceId, value: writeMember(streams), api, now });
    this.#table = new ClaimTable({ bucket: this.#names.claims, api, logger, changed: (key) => this.#changed(key) });
    const roll = new RollCall(api, bucket);
    const isHeld = (): boolean => this.#membership.isHeld;
    const me = (): string => this.#membership.id;
    this.#holdings = new Holdings({ group, seats, table: this.#table, logger, me, isHeld });
    this.#rounds = new Rounds({
      roll,
      table: this.#table,
      holdings: this.#holdings,
      membership: this.#membership,
      logger,
      isReady: () => this.#openOn !== undefined && this.#table.isWatching,
      mayTake: () => !this.#isLeaving && now() >= this.#takesFrom,
    });
    this.#namesakes = new Namesakes({ group, instanceId, inboxPrefix, bucket, roll, api, logger });
    this.#handle = handles.open('loop', `nats claims of ${group}`);
  }

  /** Asked before every handler start, every pull and every take-over. Whoever has a name starts nothing while cut off: see `Namesakes`. */
  get lease(): 'held' | 'unsure' {
    const isNamedAndCut = this.context.options.instanceId !== undefined && this.#connection === undefined;
    return this.#membership.isHeld && !isNamedAndCut ? 'held' : 'unsure';
  }

  get state(): ClaimsState {
    const { isHeld, leaseUntil, id, error } = this.#membership;
    const trouble = isHeld ? undefined : (error ?? this.#trouble ?? new Error('not a member yet'));
    return {
      group: this.options.group,
      member: id,
      members: this.#rounds.memberCount,
      owned: this.#holdings.size,
      lease: isHeld ? 'held' : 'lost',
      leaseLeftMs: isHeld ? Math.round(leaseUntil - this.context.now()) : 0,
      ...this.#holdings.counts,
      evictions: this.#evictions,
      ...(trouble === undefined ? {} : { trouble: trouble.message }),
    };
  }

  /** Makes sure that there are buckets. @throws TopologyError, AuthorizationError */
  async prepare(): Promise<void> {
    this.#prepared = await this.context.api.ask((manager) => this.#openBuckets(manager));
  }

  /** On a new connection. Resolves when the first round is over, or has failed: then it is tried again by `tick`. Never rejects. */
  async attach(connection: NatsConnection): Promise<void> {
    this.#connection = connection;
    this.#openOn = undefined;
    await this.#open();
  }

  /** The connection is gone. What is ours stays so, for as long as the lease lasts. */
  detach(): void {
    this.#connection = undefined;
    this.#openOn = undefined;
    this.#table.close();
    this.#namesakes.close();
  }

  /** Every quarter of a second. */
  tick(): void {
    const now = this.context.now();
    if (this.#holdings.size > 0 && !this.#membership.isHeld) this.#expired();
    if (this.#connection === undefined) return;
    if (this.#openOn === this.#connection || this.#isOpening) void this.#beat();
    if (this.#openOn !== this.#connection || !this.#table.isWatching || !this.#membership.isHeld) {
      if (now - this.#triedAt >= RETRY_MS) void this.#open();
      return;
    }
    if (now - this.#lookedAt >= LOOK_MS) void this.#look();
  }

  /** Takes nothing more; others are told to plan without us. Never rejects. */
  async stop(): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    await this.#rounds.stop();
    await this.#quietly('NATS: the others do not know that we leave', () => this.#membership.announceLeave());
  }

  /** Drains and gives up everything, and is a member no more. Never rejects. */
  async close(): Promise<void> {
    await this.stop();
    await this.#holdings.releaseAll();
    await this.#quietly('NATS: left without a word', () => this.#membership.leave());
    this.#membership.forget();
    this.#holdings.loseAll('closed');
    this.detach();
    this.#handle.closed();
  }

  async #open(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || this.#isOpening || this.#isLeaving) return;
    this.#isOpening = true;
    this.#triedAt = this.context.now();
    try {
      await this.#openOnce(connection);
    } catch (error) {
      this.#trouble = toError(error);
      this.context.logger.warn(`NATS: the claims of group "${this.options.group}" are out of reach; trying again`, {
        group: this.options.group,
        error: this.#trouble,
      });
    }
    this.#isOpening = false;
    if (this.#connection !== undefined && this.#connection !== connection) await this.#open();
  }

  async #openOnce(connection: NatsConnection): Promise<void> {
    const buckets = this.#prepared ?? (await this.context.api.once((manager) => this.#openBuckets(manager)));
    this.#prepared = undefined;
    this.#membership.attach(buckets);
    await Promise.all([this.#joinAgain(connection), this.#table.open(buckets.claims)]);
    if (this.#connection !== connection) return;
    this.#openOn = connection;
    this.#trouble = undefined;
    await this.#look();
  }

  /** As who we were, if the server has not let us go; else as somebody new. */
  async #joinAgain(connection: NatsConnection): Promise<void> {
    if (this.#membership.isJoined && (await this.#membership.beat('now')) === 'evicted') this.#evicted();
    const isNew = !this.#membership.isJoined;
    if (isNew) await this.#membership.join();
    this.#namesakes.open(connection, this.#membership.id);
    if (isNew) await this.#namesakes.replace(connection, this.#membership.id);
  }

  #openBuckets(manager: Parameters<typeof openBuckets>[0]): Promise<Buckets> {
    const { logger, options } = this.context;
    const replicas = Math.max(options.deadLetters.replicas, ...options.streams.map((stream) => stream.replicas));
    return openBuckets(manager, { names: this.#names, ttlMs: options.memberTtlMs, replicas, logger });
  }

  #look(): Promise<void> {
    this.#lookedAt = this.context.now();
    return this.#rounds.start('look');
  }

  #changed(key: string): void {
    this.#holdings.check(key);
    if (this.#openOn !== undefined && !this.#isLeaving) void this.#rounds.start('change');
  }

  async #beat(): Promise<void> {
    if ((await this.#membership.beat()) === 'evicted') this.#evicted();
  }

  /** The server has let us go: what was ours may be somebody else's. We come back as somebody new. */
  #evicted(): void {
    const { now, logger } = this.context;
    if (!this.#membership.isJoined) return;
    if (this.#membership.isHeld) this.#takesFrom = now() + this.context.options.memberTtlMs;
    this.#evictions += 1;
    this.#triedAt = Number.NEGATIVE_INFINITY;
    this.#membership.forget();
    logger.warn(`NATS: not a member of group "${this.options.group}" any more; joining again`, {
      group: this.options.group,
      owned: this.#holdings.size,
    });
    this.#holdings.loseAll('the membership has run out');
  }

  /** No heartbeat came through in time. */
  #expired(): void {
    this.context.logger.error(`NATS: group "${this.options.group}" handles nothing: its lease has run out`, {
      group: this.options.group,
      error: this.#membership.error,
    });
    this.#holdings.loseAll('the lease has run out');
  }

  async #quietly(what: string, request: () => Promise<void>): Promise<void> {
    try {
      if (this.#connection !== undefined) await request();
    } catch (error) {
      this.context.logger.debug(what, { group: this.options.group, error: toError(error) });
    }
  }
}
