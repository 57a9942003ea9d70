import { toError } from '../../../core/errors.js';
import type { BusLogger } from '../../../core/logger.js';
import type { ClaimTable } from './claim-table.js';
import { FREE } from './records.js';
import type { Seat } from './seat.js';

/**
 * - owned: claimed, and given to the consumer
 * - releasing: being drained
 * - drained: nothing of it is in hand any more, and the bucket does not know yet
 */
type Holding = 'owned' | 'releasing' | 'drained';

export interface HoldingsOptions {
  readonly group: string;
  readonly seats: readonly Seat[];
  readonly table: ClaimTable;
  readonly logger: BusLogger;
  /** Id of this member. */
  readonly me: () => string;
  /** Whether the lease is held. */
  readonly isHeld: () => boolean;
}

/** What of a group is ours, and the way in and out of that. */
export class Holdings {
  readonly #seatByKey: ReadonlyMap<string, Seat>;
  readonly #releases = new Set<Promise<void>>();
  /** Key → how it is ours. */
  readonly #held = new Map<string, Holding>();
  readonly counts = { gained: 0, released: 0, lost: 0 };

  constructor(private readonly options: HoldingsOptions) {
    this.#seatByKey = new Map(options.seats.map((seat) => [seat.key, seat]));
  }

  get size(): number {
    return this.#held.size;
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** Claims it, if nobody was faster. @throws what the client throws: then nobody knows, and the watch will tell */
  async take(key: string): Promise<void> {
    const { table, logger, group, me, isHeld } = this.options;
    const seat = this.#seatByKey.get(key);
    if (seat === undefined || this.#held.has(key)) return;
    const id = me();
    const from = table.of(key)?.owner ?? '';
    if (!(await table.write(key, { owner: id, state: 'owned' }))) return;
    if (id !== me() || !isHeld()) return;
    this.#held.set(key, 'owned');
    this.counts.gained += 1;
    logger.log(`NATS: ${seat.name} is ours`, { group, from: from === '' || from === id ? undefined : from });
    seat.gained();
  }

  /** Drains it and gives it up. Never rejects. */
  release(key: string, why: 'moves' | 'leaves'): Promise<void> {
    const release = this.#release(key, why).finally(() => this.#releases.delete(release));
    this.#releases.add(release);
    return release;
  }

  /** All that is ours; resolves also when what was being released before is. */
  async releaseAll(): Promise<void> {
    for (const key of this.#held.keys()) void this.release(key, 'leaves');
    await Promise.all(this.#releases);
  }

  /** Tells the bucket what is drained; what fails is tried again by the next call. Never rejects. */
  async giveBack(): Promise<void> {
    for (const [key, holding] of this.#held) {
      if (holding !== 'drained') continue;
      try {
        await this.options.table.write(key, FREE);
        this.#held.delete(key);
      } catch (error) {
        this.options.logger.debug('NATS: a claim is not given back yet', { key, error: toError(error) });
      }
    }
  }

  /** What can be asked to move now. */
  movable(keys: readonly string[]): string[] {
    return keys.filter((key) => this.#held.get(key) === 'owned' && this.#seatByKey.get(key)?.canMove === true);
  }

  /** Drops what the bucket does not know to be ours. */
  checkAll(): void {
    for (const [key, holding] of this.#held)
      if (holding !== 'drained' && this.options.table.of(key)?.owner !== this.options.me()) this.lose(key, 'not ours');
  }

  /** Drops what the bucket gives to somebody else. */
  check(key: string): void {
    const claim = this.options.table.of(key);
    if (this.#held.has(key) && claim !== undefined && claim.owner !== '' && claim.owner !== this.options.me())
      this.lose(key, 'taken');
  }

  loseAll(why: string): void {
    for (const key of this.#held.keys()) this.lose(key, why);
  }

  lose(key: string, why: string): void {
    const seat = this.#seatByKey.get(key);
    if (seat === undefined || !this.#held.delete(key)) return;
    this.counts.lost += 1;
    this.options.logger.warn(`NATS: lost ${seat.name}`, { group: this.options.group, why });
    seat.lost();
  }

  async #release(key: string, why: 'moves' | 'leaves'): Promise<void> {
    const { table, logger, group, me } = this.options;
    const seat = this.#seatByKey.get(key);
    if (seat === undefined || this.#held.get(key) !== 'owned') return;
    this.#held.set(key, 'releasing');
    const id = me();
    try {
      if (why === 'moves' && !(await table.write(key, { owner: id, state: 'draining' })))
        return this.lose(key, 'taken');
    } catch (error) {
      logger.debug(`NATS: nobody knows that ${seat.name} is being drained`, { error: toError(error) });
    }
    await seat.release();
    if (this.#held.get(key) !== 'releasing' || id !== me()) return;
    this.#held.set(key, 'drained');
    this.counts.released += 1;
    logger.log(`NATS: gave up ${seat.name}`, { group, why });
    await this.giveBack();
  }
}
