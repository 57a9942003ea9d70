import { toError } from '../../../core/errors.js';
import type { BusLogger } from '../../../core/logger.js';
import type { ClaimTable } from './claim-table.js';
import type { Holdings } from './holdings.js';
import type { Membership } from './membership.js';
import { type Plan, planShares } from './plan.js';
import type { ClaimRecord } from './records.js';
import type { Roll, RollCall } from './roll.js';

/** After so many looks at which a consumer was nobody's, anybody may claim it, whatever the plan says. */
const PATIENCE_LOOKS = 4;
/** After so many looks in a row that wanted it, something is given away: no move for a flicker. */
const SURE_LOOKS = 2;

export interface RoundsOptions {
  readonly roll: RollCall;
  readonly table: ClaimTable;
  readonly holdings: Holdings;
  readonly membership: Membership;
  readonly logger: BusLogger;
  /** Whether the table is whole: on this connection, all that was there has been read. */
  readonly isReady: () => boolean;
  /** Whether this member may claim what is nobody's. */
  readonly mayTake: () => boolean;
}

/** Looks at who is there and who owns what, and does this member's part of the plan: one round after another. */
export class Rounds {
  /** Key → looks in a row at which it was nobody's. */
  readonly #freeFor = new Map<string, number>();
  #wanted = 0;
  #memberCount = 0;
  #running: Promise<void> | undefined;
  #next: 'none' | 'change' | 'look' = 'none';
  #isStopped = false;

  constructor(private readonly options: RoundsOptions) {}

  /** Members at the last look. */
  get memberCount(): number {
    return this.#memberCount;
  }

  /**
   * Soon; what comes while one runs is one more after it. Resolves when there is nothing to do; never rejects.
   * @param why `look`: it is time; `change`: a claim was written
   */
  start(why: 'change' | 'look'): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    if (this.#next !== 'look') this.#next = why;
    return (this.#running ??= this.#run());
  }

  /** Resolves when the last one has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#next = 'none';
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#next !== 'none') {
        const isLook = this.#next === 'look';
        this.#next = 'none';
        await this.#round(isLook);
      }
    } catch (error) {
      this.options.logger.debug('NATS: a look at the claims failed', { error: toError(error) });
    }
    this.#running = undefined;
  }

  async #round(isLook: boolean): Promise<void> {
    const { roll, holdings, membership } = this.options;
    await holdings.giveBack();
    const present = await roll.take();
    this.#memberCount = present.members.length;
    const me = membership.id;
    if (!this.options.isReady()) return;
    holdings.checkAll();
    if (!membership.isHeld || !present.members.some(({ id }) => id === me)) return;
    const plan = planShares({ me, members: present.members, claims: this.#valid(present) });
    if (isLook) this.#countFree(plan);
    for (const key of this.#toTake(plan)) {
      if (this.#isStopped || membership.id !== me) return;
      await holdings.take(key);
    }
    this.#give(plan, isLook);
  }

  /** Claims of owners that live; one of ours that we do not hold (its write was never answered) is nobody's. */
  #valid({ living }: Roll): Map<string, ClaimRecord> {
    const { table, holdings, membership } = this.options;
    const ids = new Set(living.map(({ id }) => id));
    const valid = new Map<string, ClaimRecord>();
    for (const [key, claim] of table.entries())
      if (ids.has(claim.owner) && (claim.owner !== membership.id || holdings.has(key))) valid.set(key, claim);
    return valid;
  }

  #countFree({ free }: Plan): void {
    const now = new Set(free);
    for (const key of this.#freeFor.keys()) if (!now.has(key)) this.#freeFor.delete(key);
    for (const key of free) this.#freeFor.set(key, (this.#freeFor.get(key) ?? 0) + 1);
  }

  #toTake({ take, free }: Plan): string[] {
    if (!this.options.mayTake()) return [];
    const overdue = free.filter((key) => (this.#freeFor.get(key) ?? 0) >= PATIENCE_LOOKS && !take.includes(key));
    return [...take, ...overdue];
  }

  #give(plan: Plan, isLook: boolean): void {
    const give = this.options.holdings.movable(plan.give);
    if (give.length === 0) this.#wanted = 0;
    if (give.length === 0 || !isLook) return;
    this.#wanted += 1;
    if (this.#wanted < SURE_LOOKS) return;
    this.#wanted = 0;
    for (const key of give) void this.options.holdings.release(key, 'moves');
  }
}
