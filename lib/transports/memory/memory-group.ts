import { Cursor } from './cursor.js';
import type { MemoryTopic } from './memory-topic.js';
import type { PartitionLog } from './partition-log.js';
import { shareOut } from './share-out.js';

/** Where a group begins in a topic that existed before it. */
export type StartFrom = 'earliest' | 'latest' | Date;

/** One instance's part in a group. */
export interface GroupMember {
  readonly startFrom: StartFrom;
  wants(topic: string): boolean;
  /** It owns the partition from now on. */
  take(share: Share): void;
  /** Resolves when it has given the partition up. */
  release(share: Share): Promise<void>;
}

/** One partition as one group sees it. */
export interface Share {
  readonly topic: MemoryTopic;
  readonly partition: number;
  readonly cursor: Cursor;
}

interface OwnedShare extends Share {
  owner: GroupMember | undefined;
  /** Its owner is giving it up: nobody else gets it before that is done. */
  isMoving: boolean;
}

/** Instances that share the work. Its progress stays when all of them have left. */
export class MemoryGroup {
  readonly #members: GroupMember[] = [];
  /** Topic → its partitions; here once a member has wanted the topic. */
  readonly #shares = new Map<string, OwnedShare[]>();

  /** @param topics all there are now */
  join(member: GroupMember, topics: Iterable<MemoryTopic>): void {
    this.#members.push(member);
    for (const topic of topics) if (member.wants(topic.name)) this.#add(topic, member.startFrom);
    this.balance();
  }

  /** The member has dropped what it owned. */
  leave(member: GroupMember): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    for (const share of this.#all()) if (share.owner === member) free(share);
    this.balance();
  }

  /** A topic is new: for this group it begins at its beginning, and `balance` is to be called. */
  appeared(topic: MemoryTopic): boolean {
    if (!this.#members.some((member) => member.wants(topic.name))) return false;
    this.#add(topic, 'earliest');
    return true;
  }

  /** The lowest offset it still needs; undefined when it does not read the topic. */
  neededFrom(topic: string, partition: number): number | undefined {
    return this.#shares.get(topic)?.[partition]?.cursor.frontier;
  }

  /** Messages that are stored for it and not settled. */
  get unsettled(): number {
    return this.#all().reduce((sum, { topic, partition, cursor }) => {
      return sum + cursor.unsettled(topic.partitions[partition]?.end ?? 0);
    }, 0);
  }

  /** Hands partitions over until everybody has an even share. May be called at any time. */
  balance(): void {
    const load = new Map<GroupMember, number>();
    for (const shares of this.#shares.values()) {
      const name = shares[0]?.topic.name ?? '';
      const willing = this.#members.filter((member) => member.wants(name));
      const targets = shareOut(
        shares.map(({ owner }) => owner),
        willing,
        (member) => load.get(member) ?? 0,
      );
      shares.forEach((share, partition) => this.#move(share, targets[partition]));
      for (const target of targets) if (target !== undefined) load.set(target, (load.get(target) ?? 0) + 1);
    }
  }

  #move(share: OwnedShare, target: GroupMember | undefined): void {
    const { owner } = share;
    if (share.isMoving || owner === target) return;
    if (owner !== undefined) {
      void this.#release(share, owner);
      return;
    }
    if (target === undefined) return;
    share.owner = target;
    target.take(share);
  }

  async #release(share: OwnedShare, owner: GroupMember): Promise<void> {
    share.isMoving = true;
    await owner.release(share);
    if (share.owner !== owner) return;
    free(share);
    this.balance();
  }

  #add(topic: MemoryTopic, startFrom: StartFrom): void {
    if (this.#shares.has(topic.name)) return;
    const shares = topic.partitions.map((log, partition): OwnedShare => {
      return { topic, partition, cursor: new Cursor(startOf(log, startFrom)), owner: undefined, isMoving: false };
    });
    this.#shares.set(topic.name, shares);
  }

  #all(): OwnedShare[] {
    return [...this.#shares.values()].flat();
  }
}

function startOf(log: PartitionLog, startFrom: StartFrom): number {
  if (startFrom === 'earliest') return log.start;
  return startFrom === 'latest' ? log.end : log.since(startFrom.getTime());
}

function free(share: OwnedShare): void {
  share.owner = undefined;
  share.isMoving = false;
}
