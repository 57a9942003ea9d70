import { matchesPattern } from '../../core/pattern.js';
import { toError } from '../../core/errors.js';
import type { Handle } from '../../core/handle-register.js';
import type { Subscription, TransportContext } from '../../transport/transport.js';
import type { MemoryBroker } from './memory-broker.js';
import type { GroupMember, Share, StartFrom } from './memory-group.js';
import { MemorySource } from './memory-source.js';
import type { Pump } from './pump.js';

/** This instance's part in one group: takes partitions as the group hands them out. */
export class MemoryConsumer implements GroupMember {
  readonly startFrom: StartFrom;
  /** Partition → its source. Here only while this instance owns it. */
  readonly #sources = new Map<Share, { readonly source: MemorySource; readonly handle: Handle }>();
  #isIn = false;

  constructor(
    private readonly subscription: Subscription,
    private readonly context: TransportContext,
    private readonly broker: MemoryBroker,
    private readonly pump: Pump,
  ) {
    this.startFrom = subscription.startFrom;
  }

  get group(): string {
    return this.subscription.group;
  }

  join(): void {
    this.#isIn = true;
    this.broker.join(this.#groupOnBroker, this);
  }

  /** Gives up everything at once; what was not settled goes to the next owner. */
  leave(): void {
    if (!this.#isIn) return;
    this.#isIn = false;
    for (const share of this.#sources.keys()) this.#drop(share);
    this.broker.leave(this.#groupOnBroker, this);
  }

  wants(topicOnBroker: string): boolean {
    const { topicPrefix } = this.context;
    if (!topicOnBroker.startsWith(topicPrefix)) return false;
    const topic = topicOnBroker.slice(topicPrefix.length);
    return this.subscription.patterns.some((pattern) => matchesPattern(pattern, topic));
  }

  take(share: Share): void {
    const source = new MemorySource({
      group: this.group,
      topic: share.topic.name.slice(this.context.topicPrefix.length),
      share,
      fetchBytes: this.broker.options.maxMessageBytes,
      wake: (ready) => this.pump.add(ready),
    });
    this.#sources.set(share, { source, handle: this.context.handles.open('consumer', source.name) });
    source.grant(this.context.consumer.assigned(source));
  }

  async release(share: Share): Promise<void> {
    const owned = this.#sources.get(share);
    if (owned === undefined) return;
    owned.source.revoke();
    try {
      await this.context.consumer.revoking(owned.source);
    } catch (error) {
      this.context.logger.warn(`Draining ${owned.source.name} failed; it is given up all the same.`, {
        error: toError(error),
      });
    }
    this.#drop(share);
  }

  #drop(share: Share): void {
    const owned = this.#sources.get(share);
    if (owned === undefined) return;
    this.#sources.delete(share);
    owned.source.lose();
    owned.handle.closed();
    this.context.consumer.lost(owned.source);
  }

  get #groupOnBroker(): string {
    return `${this.context.topicPrefix}${this.group}`;
  }
}
