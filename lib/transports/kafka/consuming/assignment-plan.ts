import type { MemberState } from '../driver/assignment-wire.js';
import type { PartitionsByTopic, TopicPartition } from '../driver/driver.js';

/** Who gets what in this round. */
export interface AssignmentPlan {
  /** Member id → its partitions by topic. */
  readonly assignments: ReadonlyMap<string, PartitionsByTopic>;
  /** What somebody still claims who is not to keep it: nobody gets it before that member has drained it and given it up. */
  readonly withheld: readonly TopicPartition[];
}

/** A member with what it is to have. */
interface Share {
  readonly member: MemberState;
  readonly partitions: TopicPartition[];
}

/**
 * Deals partitions out among the members that subscribe to their topics: who has one keeps it, what nobody has goes to the least
 * loaded, then as few as possible move until no two members differ by more than one. What moves is withheld for a round.
 * @param partitions of every topic; of a topic that is not in it those count that are claimed
 */
export function planAssignment(members: readonly MemberState[], partitions: PartitionsByTopic): AssignmentPlan {
  const shares = members
    .toSorted((one, other) => (one.memberId < other.memberId ? -1 : 1))
    .map((member) => ({ member, partitions: [] as TopicPartition[] }));
  const claims = claimsOf(shares);
  const all = existing(partitions, claims);

  for (const entry of all) ownerOf(entry, claims)?.partitions.push(entry);
  for (const entry of all) {
    if (ownerOf(entry, claims) === undefined) leastLoaded(shares, entry.topic)?.partitions.push(entry);
  }
  while (evenOut(shares, claims));
  return handOut(shares, claims);
}

/** `topic/partition` → who claims it in the highest generation. */
type ClaimByPartition = ReadonlyMap<string, { readonly share: Share; readonly entry: TopicPartition }>;

function claimsOf(shares: readonly Share[]): ClaimByPartition {
  const claims = new Map<string, { share: Share; entry: TopicPartition }>();
  for (const share of shares) {
    for (const [topic, ids] of Object.entries(share.member.owned)) {
      for (const partition of ids) {
        const held = claims.get(keyOf({ topic, partition }));
        if (held && held.share.member.generation >= share.member.generation) continue;
        claims.set(keyOf({ topic, partition }), { share, entry: { topic, partition } });
      }
    }
  }
  return claims;
}

function existing(partitions: PartitionsByTopic, claims: ClaimByPartition): TopicPartition[] {
  const known = Object.entries(partitions).flatMap(([topic, ids]) => ids.map((partition) => ({ topic, partition })));
  const claimed = [...claims.values()].map(({ entry }) => entry).filter(({ topic }) => partitions[topic] === undefined);
  return [...known, ...claimed].toSorted((one, other) =>
    one.topic === other.topic ? one.partition - other.partition : one.topic < other.topic ? -1 : 1,
  );
}

/** Who claims it, if that member still subscribes to its topic. */
function ownerOf(entry: TopicPartition, claims: ClaimByPartition): Share | undefined {
  const share = claims.get(keyOf(entry))?.share;
  return share?.member.topics.has(entry.topic) ? share : undefined;
}

function leastLoaded(shares: readonly Share[], topic: string): Share | undefined {
  let least: Share | undefined;
  for (const share of shares) {
    if (!share.member.topics.has(topic)) continue;
    if (least === undefined || share.partitions.length < least.partitions.length) least = share;
  }
  return least;
}

/** Moves one partition from the fullest member to the emptiest that may take it; false when nothing is left to move. */
function evenOut(shares: readonly Share[], claims: ClaimByPartition): boolean {
  const byLoad = shares.toSorted((one, other) => other.partitions.length - one.partitions.length);
  for (const from of byLoad) {
    for (const to of byLoad.toReversed()) {
      if (from.partitions.length - to.partitions.length < 2) break;
      const index = movable(from, to, claims);
      if (index < 0) continue;
      to.partitions.push(...from.partitions.splice(index, 1));
      return true;
    }
  }
  return false;
}

/** What `from` does not hold yet moves first: that costs no drain. */
function movable(from: Share, to: Share, claims: ClaimByPartition): number {
  const may = ({ topic }: TopicPartition): boolean => to.member.topics.has(topic);
  const free = from.partitions.findIndex((entry) => may(entry) && claims.get(keyOf(entry))?.share !== from);
  return free >= 0 ? free : from.partitions.findLastIndex(may);
}

function handOut(shares: readonly Share[], claims: ClaimByPartition): AssignmentPlan {
  const withheld: TopicPartition[] = [];
  const assignments = new Map<string, Record<string, number[]>>();
  for (const share of shares) {
    const given: Record<string, number[]> = {};
    for (const entry of share.partitions) {
      const claim = claims.get(keyOf(entry));
      if (claim && claim.share !== share) withheld.push(entry);
      else (given[entry.topic] ??= []).push(entry.partition);
    }
    assignments.set(share.member.memberId, given);
  }
  return { assignments, withheld };
}

/** A topic has no slash. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
