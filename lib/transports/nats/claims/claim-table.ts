import type { KV, KvWatchEntry } from '@nats-io/kv';
import type { QueuedIterator } from '@nats-io/transport-node';
import { toError } from '../../../core/errors.js';
import type { BusLogger } from '../../../core/logger.js';
import type { JetStreamApi } from '../jetstream-api.js';
import { readKey, streamOfBucket } from './buckets.js';
import { isConflict } from './membership.js';
import { type ClaimRecord, FREE, readClaim, writeClaim } from './records.js';

/** A claim as it lies in the bucket. */
export interface ClaimEntry extends ClaimRecord {
  readonly revision: number;
}

export interface ClaimTableOptions {
  readonly bucket: string;
  readonly api: JetStreamApi;
  readonly logger: BusLogger;
  /** Somebody wrote a claim. */
  readonly changed: (key: string) => void;
}

/** The claims bucket as last seen, and writes to it by compare-and-set. */
export class ClaimTable {
  /** Key → claim; nobody's too, for their revision. */
  readonly #entries = new Map<string, ClaimEntry>();
  #kv: KV | undefined;
  #watch: QueuedIterator<KvWatchEntry> | undefined;

  constructor(private readonly options: ClaimTableOptions) {}

  /** False when the watch has ended: what is known grows old. */
  get isWatching(): boolean {
    return this.#watch !== undefined;
  }

  of(key: string): ClaimEntry | undefined {
    return this.#entries.get(key);
  }

  entries(): Iterable<readonly [string, ClaimEntry]> {
    return this.#entries;
  }

  /** Resolves when all that was there is known. @throws what the client throws */
  async open(kv: KV): Promise<void> {
    this.close();
    this.#kv = kv;
    this.#entries.clear();
    const { state } = await this.options.api.once((manager) =>
      manager.streams.info(streamOfBucket(this.options.bucket)),
    );
    const watch = await kv.watch();
    this.#watch = watch;
    await new Promise<void>((primed) => {
      void this.#follow(watch, primed);
      if (state.messages === 0) primed();
    });
  }

  close(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }

  /** Whether it was written: false when somebody else was faster, whose claim is then known. @throws what the client throws */
  async write(key: string, record: ClaimRecord): Promise<boolean> {
    const kv = this.#kv;
    if (kv === undefined) return false;
    const before = this.#entries.get(key);
    try {
      const value = writeClaim(record);
      const revision =
        before === undefined ? await kv.create(key, value) : await kv.update(key, value, before.revision);
      this.#set(key, { ...record, revision });
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.#readAgain(key, before);
      return false;
    }
  }

  /** What the watch has not told: a key that was purged has no event. */
  async #readAgain(key: string, before: ClaimEntry | undefined): Promise<void> {
    const { api, bucket } = this.options;
    const stored = await api.once((manager) => readKey(manager, bucket, key));
    if (this.#entries.get(key) !== before) return;
    if (stored === undefined) this.#entries.delete(key);
    else this.#entries.set(key, { ...readClaim(stored.text), revision: stored.revision });
  }

  async #follow(watch: QueuedIterator<KvWatchEntry>, primed: () => void): Promise<void> {
    try {
      for await (const entry of watch) {
        const record = entry.operation === 'PUT' ? readClaim(entry.string()) : FREE;
        this.#set(entry.key, { ...record, revision: entry.revision });
        if (entry.delta === 0) primed();
        this.options.changed(entry.key);
      }
    } catch (error) {
      this.options.logger.debug('NATS: the watch of claims ended', { error: toError(error) });
    }
    if (this.#watch === watch) this.#watch = undefined;
    primed();
  }

  /** What is older than what is known says nothing. */
  #set(key: string, entry: ClaimEntry): void {
    const known = this.#entries.get(key);
    if (known === undefined || known.revision <= entry.revision) this.#entries.set(key, entry);
  }
}
