import { nuid } from '@nats-io/transport-node';
import { toError } from '../../../core/errors.js';
import { codeOf, type JetStreamApi } from '../jetstream-api.js';
import { type Buckets, readKey, removeKey } from './buckets.js';
import { type MemberKind, memberKey } from './names.js';

/** What the server says when somebody else wrote the key, or when it has expired. */
const WRONG_LAST_SEQUENCE = new Set([10_071, 10_164]);
/** Share of the TTL after which a heartbeat follows the one before. */
const BEAT_SHARE = 1 / 4;
/** Share of the TTL by which the lease ends before the server lets the key go. */
const MARGIN_SHARE = 1 / 10;

export interface MembershipOptions {
  readonly bucket: string;
  readonly instanceId: string | undefined;
  /** Its value: what this member can own. */
  readonly value: string;
  readonly api: JetStreamApi;
  readonly now: () => number;
}

/** A key as it was when something was sent for it. */
interface KnownKey {
  readonly key: string;
  readonly revision: number;
}

/**
 * - accepted: the lease is longer
 * - evicted: the key is gone
 * - void: it says nothing, for it failed, or another came through before
 */
type BeatEnd = 'accepted' | 'evicted' | 'void';

/** Whether an error says that a compare-and-set was refused. */
export function isConflict(error: unknown): boolean {
  return WRONG_LAST_SEQUENCE.has(codeOf(error) ?? 0);
}

/**
 * This process as others see it: a key with a TTL that only it writes, and a lease by its own clock that ends before the key does. Written
 * by compare-and-set and never simply put: a process that slept learns that its key has expired, and comes back as somebody new.
 */
export class Membership {
  #buckets: Buckets | undefined;
  #id = '';
  #kind: MemberKind = 'm';
  /** Of the key; 0 while there is none. */
  #revision = 0;
  /** Monotonic milliseconds. */
  #leaseUntil = Number.NEGATIVE_INFINITY;
  /** When the last heartbeat was sent that counts, or may count. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #work: Promise<unknown> = Promise.resolve();
  #error: Error | undefined;

  constructor(private readonly options: MembershipOptions) {}

  /** New with each join. Empty before the first. */
  get id(): string {
    return this.#id;
  }

  get isJoined(): boolean {
    return this.#revision > 0;
  }

  /** Whether nobody else can have taken what is ours. Compares no clocks: the server's TTL began later than ours. */
  get isHeld(): boolean {
    return this.#revision > 0 && this.options.now() < this.#leaseUntil;
  }

  /** Monotonic milliseconds until which the lease lasts. */
  get leaseUntil(): number {
    return this.#leaseUntil;
  }

  /** Why the last heartbeat failed; undefined while they succeed. */
  get error(): Error | undefined {
    return this.#error;
  }

  attach(buckets: Buckets): void {
    this.#buckets = buckets;
  }

  /** As somebody new. @throws what the client throws */
  async join(): Promise<void> {
    const { members, ttlMs } = this.#attached();
    const sentAt = this.options.now();
    this.#id = nuid.next();
    this.#kind = 'm';
    this.#revision = await members.create(this.#key(), this.options.value);
    this.#extend(sentAt, ttlMs);
  }

  /**
   * A heartbeat, if one is due; further ones while they are answered so slowly that the next is due by then. One that is not answered in
   * time is waited for all the same, for a slow network is not a dead one, and followed by another: whichever comes through counts.
   * Never rejects.
   * @returns `evicted` when the key was gone: whatever was ours may be somebody else's
   */
  async beat(how: 'due' | 'now' = 'due'): Promise<'member' | 'evicted'> {
    const buckets = this.#buckets;
    if (buckets === undefined || !this.isJoined) return 'member';
    let isDue = how === 'now' || this.#isDue(buckets);
    while (isDue) {
      const end = await this.#beat(buckets);
      if (end === 'evicted') return 'evicted';
      isDue = end === 'accepted' && this.#isDue(buckets);
    }
    return 'member';
  }

  /** Others give it nothing more; what it owns stays its own until it is released. @throws what the client throws */
  async announceLeave(): Promise<void> {
    await this.#inTurn(async () => {
      const { members, ttlMs } = this.#attached();
      if (!this.isJoined || this.#kind === 'l') return;
      const before = this.#key();
      const sentAt = this.options.now();
      const revision = await members.create(memberKey({ ...this.#parts(), kind: 'l' }), this.options.value);
      this.#kind = 'l';
      this.#revision = revision;
      this.#extend(sentAt, ttlMs);
      await this.options.api.once((manager) => removeKey(manager, this.options.bucket, before));
    });
  }

  /** Nothing is ours any more. @throws what the client throws */
  async leave(): Promise<void> {
    await this.#inTurn(async () => {
      const key = this.#key();
      if (!this.isJoined) return;
      this.forget();
      await this.options.api.once((manager) => removeKey(manager, this.options.bucket, key));
    });
  }

  /** Takes itself for nobody. */
  forget(): void {
    this.#revision = 0;
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
  }

  #isDue({ ttlMs }: Buckets): boolean {
    return this.isJoined && this.options.now() - this.#triedAt >= ttlMs * BEAT_SHARE;
  }

  async #beat(buckets: Buckets): Promise<BeatEnd> {
    const known = { key: this.#key(), revision: this.#revision };
    try {
      return await this.#update(buckets, known);
    } catch (error) {
      if (!this.#isLatest(known)) return 'void';
      if (isConflict(error)) return this.#afterConflict(buckets, known);
      return this.#failed(error);
    }
  }

  /** One that was written since is ours all the same: the answer to a heartbeat was lost. */
  async #afterConflict(buckets: Buckets, known: KnownKey): Promise<BeatEnd> {
    const { api, bucket } = this.options;
    try {
      const stored = await api.once((manager) => readKey(manager, bucket, known.key));
      if (!this.#isLatest(known)) return 'void';
      if (stored === undefined || stored.revision === known.revision) return 'evicted';
      return await this.#update(buckets, { key: known.key, revision: stored.revision });
    } catch (error) {
      return this.#isLatest(known) ? this.#failed(error) : 'void';
    }
  }

  /** What is answered after the lease that it would give has ended says nothing. @throws what the client throws */
  async #update({ members, ttlMs }: Buckets, { key, revision: before }: KnownKey): Promise<BeatEnd> {
    const sentAt = this.options.now();
    this.#triedAt = sentAt;
    const revision = await members.update(key, this.options.value, before, ttlMs * (1 - MARGIN_SHARE));
    if (!this.isJoined || key !== this.#key() || revision < this.#revision) return 'void';
    this.#revision = revision;
    this.#extend(sentAt, ttlMs);
    return 'accepted';
  }

  #failed(error: unknown): BeatEnd {
    this.#error = toError(error);
    this.#triedAt = Number.NEGATIVE_INFINITY;
    return 'void';
  }

  /** Whether nothing came through since that was sent: a refusal then says something about us. */
  #isLatest({ key, revision }: KnownKey): boolean {
    return this.isJoined && key === this.#key() && revision === this.#revision;
  }

  #extend(sentAt: number, ttlMs: number): void {
    this.#triedAt = sentAt;
    this.#leaseUntil = sentAt + ttlMs * (1 - MARGIN_SHARE);
    this.#error = undefined;
  }

  #key(): string {
    return memberKey(this.#parts());
  }

  #parts(): { kind: MemberKind; id: string; name: string | undefined } {
    return { kind: this.#kind, id: this.#id, name: this.options.instanceId };
  }

  #attached(): Buckets {
    if (this.#buckets === undefined) throw new Error('the buckets are not open');
    return this.#buckets;
  }

  /** One change of the key after another. */
  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#work.then(write, write);
    this.#work = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }
}
