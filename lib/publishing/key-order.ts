import { BrokenKey, type BrokenKeyPort } from './broken-key.js';
import type { PendingPublish } from './pending-publish.js';
import type { ResendQueue } from './resend-queue.js';

/** Keys whose fate is decided in one turn of the event loop when many broke at once. */
const KEYS_PER_TURN = 1000;

/**
 * Keeps the order of a key when a publish of it fails. Nothing is kept of keys that did not fail: `size` is 0 then, and nobody needs
 * to ask. At a failure all publishes of the pool are looked through, once for all keys that broke in the same turn.
 */
export class KeyOrder {
  /** Topic → key → what waits of it. */
  readonly #broken = new Map<string, Map<string, BrokenKey>>();
  #uncounted: BrokenKey[] = [];
  /** Counted, and not looked at since; from `#nextCounted` on. */
  #counted: BrokenKey[] = [];
  #nextCounted = 0;
  #turn: NodeJS.Immediate | undefined;
  #size = 0;
  readonly #port: BrokenKeyPort;

  /** @param all everything in the pool, in call order, with what ended after something that has not */
  constructor(
    private readonly all: Iterable<PendingPublish>,
    port: Omit<BrokenKeyPort, 'mended'>,
    private readonly resends: ResendQueue,
  ) {
    this.#port = {
      send: (publish) => port.send(publish),
      giveUp: (publish, error) => port.giveUp(publish, error),
      mended: (key) => this.#mended(key),
    };
  }

  /** Keys that are broken now. */
  get size(): number {
    return this.#size;
  }

  find({ topic, key }: PendingPublish): BrokenKey | undefined {
    return key === undefined ? undefined : this.#broken.get(topic)?.get(key);
  }

  /** An attempt of a keyed publish failed and is worth another. */
  failed(publish: PendingPublish, key: string): void {
    (this.find(publish) ?? this.#break(publish.topic, key)).failed(publish);
  }

  close(): void {
    clearImmediate(this.#turn);
    this.#broken.clear();
    this.#uncounted = [];
    this.#counted = [];
    this.#size = 0;
  }

  #break(topic: string, key: string): BrokenKey {
    const broken = new BrokenKey(topic, key, this.#port, this.resends);
    const keys = this.#broken.get(topic) ?? new Map<string, BrokenKey>();
    this.#broken.set(topic, keys.set(key, broken));
    this.#size += 1;
    if (this.#uncounted.length === 0) queueMicrotask(() => this.#count());
    this.#uncounted.push(broken);
    return broken;
  }

  #count(): void {
    const uncounted = this.#uncounted;
    this.#uncounted = [];
    for (const publish of this.all) {
      const broken = this.find(publish);
      if (broken?.isUncounted === true) broken.found(publish);
    }
    for (const broken of uncounted) {
      broken.counted();
      this.#counted.push(broken);
    }
    if (this.#turn === undefined) this.#decideSome();
  }

  /** A part in each turn, the first at once. Answers that come in between are counted by the keys themselves. */
  #decideSome(): void {
    this.#turn = undefined;
    const end = Math.min(this.#nextCounted + KEYS_PER_TURN, this.#counted.length);
    for (; this.#nextCounted < end; this.#nextCounted += 1) this.#counted[this.#nextCounted]?.decide();
    if (end < this.#counted.length) {
      this.#turn = setImmediate(() => this.#decideSome());
      return;
    }
    this.#counted = [];
    this.#nextCounted = 0;
  }

  #mended(broken: BrokenKey): void {
    const { topic, key } = broken;
    const keys = this.#broken.get(topic);
    if (keys?.get(key) !== broken) return;
    keys.delete(key);
    this.#size -= 1;
    if (keys.size === 0) this.#broken.delete(topic);
  }
}
