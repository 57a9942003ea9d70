import { InvalidOptionsError } from '../../core/errors.js';
import type { OutgoingMessage } from '../../transport/message.js';
import { type MemoryBrokerOptions, memoryBrokerFaults, resolveMemoryBrokerOptions } from './memory.options.js';
import type { ResolvedMemoryBrokerOptions } from './memory.options.js';
import { type GroupMember, MemoryGroup } from './memory-group.js';
import { type Appended, MemoryTopic } from './memory-topic.js';

/** Hears of the broker going away and coming back. */
export type ReachabilityListener = (isReachable: boolean) => void;

/**
 * A broker in this process's memory. Buses that are given the same one share its topics and groups, as instances of a service
 * share a real one; what it holds is there until it is garbage. `stop()` and `start()` make it unreachable for a while.
 */
export class MemoryBroker {
  /** @internal */
  readonly options: ResolvedMemoryBrokerOptions;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #listeners = new Set<ReachabilityListener>();
  #isReachable = true;

  /** @throws InvalidOptionsError */
  constructor(options: MemoryBrokerOptions = {}) {
    const faults = memoryBrokerFaults(options);
    if (faults.length > 0) throw new InvalidOptionsError(faults);
    this.options = resolveMemoryBrokerOptions(options);
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  /** Every transport loses its connection; what is published meanwhile is not stored. */
  stop(): void {
    this.#reach(false);
  }

  /** Every transport is connected again. */
  start(): void {
    this.#reach(true);
  }

  /** Names of all topics, with prefix. */
  topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Messages ever stored in a topic. */
  stored(topic: string): number {
    return this.#topics.get(topic)?.stored ?? 0;
  }

  /** Messages a group has not settled yet, over all its topics; 0 for a group it does not know. */
  unsettled(group: string): number {
    return this.#groups.get(group)?.unsettled ?? 0;
  }

  /** What it holds now. */
  usage(): { readonly topics: number; readonly messages: number; readonly bytes: number } {
    let [messages, bytes] = [0, 0];
    for (const topic of this.#topics.values()) {
      messages += topic.messages;
      bytes += topic.bytes;
    }
    return { topics: this.#topics.size, messages, bytes };
  }

  /** @internal */
  append(topic: string, message: OutgoingMessage): Appended {
    return this.declare(topic).append(message);
  }

  /** @internal The topic, made when it is not there. */
  declare(name: string): MemoryTopic {
    return this.#topics.get(name) ?? this.#create(name);
  }

  /** @internal */
  join(group: string, member: GroupMember): void {
    const known = this.#groups.get(group) ?? new MemoryGroup();
    this.#groups.set(group, known);
    known.join(member, this.#topics.values());
  }

  /** @internal */
  leave(group: string, member: GroupMember): void {
    this.#groups.get(group)?.leave(member);
  }

  /** @internal */
  listen(listener: ReachabilityListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #create(name: string): MemoryTopic {
    const topic = new MemoryTopic(name, this.options, (of, partition) => this.#neededFrom(of, partition));
    this.#topics.set(name, topic);
    for (const group of this.#groups.values()) {
      if (group.appeared(topic)) setImmediate(() => group.balance());
    }
    return topic;
  }

  #neededFrom(topic: MemoryTopic, partition: number): number {
    let lowest = topic.partitions[partition]?.end ?? 0;
    for (const group of this.#groups.values()) {
      const needed = group.neededFrom(topic.name, partition);
      if (needed !== undefined && needed < lowest) lowest = needed;
    }
    return lowest;
  }

  #reach(isReachable: boolean): void {
    if (this.#isReachable === isReachable) return;
    this.#isReachable = isReachable;
    for (const listener of this.#listeners) listener(isReachable);
  }
}

/**
 * A broker to be shared: `memoryTransport({ broker })` on several buses, or on one application after another.
 * @throws InvalidOptionsError
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  return new MemoryBroker(options);
}
