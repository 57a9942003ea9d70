import { streamOf } from './names.js';
import type { ClaimRecord } from './records.js';

/** An instance that takes part. */
export interface Member {
  readonly id: string;
  /** Keys of the consumers it can own: in a rolling deployment not all know the same. */
  readonly knows: ReadonlySet<string>;
}

/** What everybody sees: the same for all, but for how long it takes to be seen. */
export interface Situation {
  readonly me: string;
  readonly members: readonly Member[];
  /** Key → its claim, of owners that live only. */
  readonly claims: ReadonlyMap<string, ClaimRecord>;
}

/** What is mine to do about it. */
export interface Plan {
  /** Nobody's. */
  readonly free: readonly string[];
  /** Of these, those I am to claim. */
  readonly take: readonly string[];
  /** Mine, to be drained for one that has less. */
  readonly give: readonly string[];
}

/**
 * The one plan that all members compute. Free consumers go one by one to whoever has the fewest; what is being drained counts as if it were
 * free already; then, while somebody has two more than somebody else, the richest gives one. Ties go by id.
 */
export function planShares({ me, members, claims }: Situation): Plan {
  const keys = [...new Set(members.flatMap(({ knows }) => [...knows]))].toSorted();
  const shares = new Shares(members);
  const free = keys.filter((key) => !claims.has(key));
  for (const key of keys) {
    const claim = claims.get(key);
    if (claim?.state === 'owned') shares.add(claim.owner, key);
  }
  const take = free.filter((key) => shares.addToPoorest(key) === me);
  for (const key of keys) if (claims.get(key)?.state === 'draining') shares.addToPoorest(key);
  const isMine = (key: string): boolean => claims.get(key)?.owner === me;
  return { free, take, give: shares.evenOut().filter((key) => isMine(key)) };
}

/** Who has what, as planned so far. */
class Shares {
  /** Member id → its keys. */
  readonly #keysById: ReadonlyMap<string, Set<string>>;

  constructor(private readonly members: readonly Member[]) {
    this.#keysById = new Map(members.map(({ id }) => [id, new Set<string>()]));
  }

  add(id: string, key: string): void {
    this.#keysById.get(id)?.add(key);
  }

  /** Who gets it: the one with the fewest, then with the fewest of that stream. Undefined when nobody knows it. */
  addToPoorest(key: string): string | undefined {
    const able = this.members.filter(({ knows }) => knows.has(key)).map(({ id }) => id);
    const [poorest] = able.toSorted(
      (one, other) =>
        this.#count(one) - this.#count(other) ||
        this.#countOf(one, streamOf(key)) - this.#countOf(other, streamOf(key)) ||
        (one < other ? -1 : 1),
    );
    if (poorest !== undefined) this.add(poorest, key);
    return poorest;
  }

  /** Moves keys until nobody has two more than somebody who could have one of them; what was moved. */
  evenOut(): string[] {
    const moved: string[] = [];
    for (let move = this.#nextMove(moved); move !== undefined; move = this.#nextMove(moved)) {
      this.#keysById.get(move.from)?.delete(move.key);
      this.add(move.to, move.key);
      moved.push(move.key);
    }
    return moved;
  }

  #nextMove(moved: readonly string[]): { from: string; to: string; key: string } | undefined {
    const byWealth = this.members.toSorted(
      (one, other) => this.#count(other.id) - this.#count(one.id) || (one.id < other.id ? -1 : 1),
    );
    for (const { id: from } of byWealth) {
      for (const { id: to, knows } of byWealth.toReversed()) {
        if (this.#count(from) - this.#count(to) <= 1) break;
        const key = this.#movable(from, to).find((one) => knows.has(one) && !moved.includes(one));
        if (key !== undefined) return { from, to, key };
      }
    }
    return undefined;
  }

  /** First those of the stream of which one has the most more than the other; of a stream the last ones. */
  #movable(from: string, to: string): string[] {
    const surplus = (key: string): number => this.#countOf(from, streamOf(key)) - this.#countOf(to, streamOf(key));
    const keys = [...(this.#keysById.get(from) ?? [])].toSorted().toReversed();
    return keys.toSorted((one, other) => surplus(other) - surplus(one));
  }

  #count(id: string): number {
    return this.#keysById.get(id)?.size ?? 0;
  }

  #countOf(id: string, stream: string): number {
    let count = 0;
    for (const key of this.#keysById.get(id) ?? []) if (streamOf(key) === stream) count += 1;
    return count;
  }
}
