import type { HistoryRecord, LifeRecord, StartRecord } from '../chaos/records.js';

/** A partition that went from one instance to another. */
export interface Move {
  readonly partition: string;
  readonly from: string;
  readonly to: string;
  /** What had happened last in the group. */
  readonly after: Change;
  /** The former owner was alive and well: it had to drain. */
  readonly isHandedOver: boolean;
  /** Whether the new owner has only just come (or come back). */
  readonly isToNewcomer: boolean;
  /** From the last handler that its former owner started to the last that ended there. */
  readonly drainMs: number;
  /** From the last handler that its former owner started to the first of the new one. */
  readonly pauseMs: number;
}

export type Change = 'join' | 'leave' | 'kill' | 'stop' | 'continue';

interface Owner {
  readonly instance: string;
  startedMs: number;
  endedMs: number;
}

const NEWCOMER_MS = 20_000;

/** Reads off who handled what, from the history of a run on Kafka: no word of the library is needed for it. */
export class MovesWatch {
  readonly moves: Move[] = [];
  readonly joins: string[] = [];
  readonly #owners = new Map<string, Owner>();
  readonly #partitions = new Map<string, string>();
  readonly #cameAtMs = new Map<string, number>();
  readonly #away = new Set<string>();
  readonly #leaving = new Set<string>();
  #last: Change = 'join';

  take(record: HistoryRecord): void {
    if (record.kind === 'life') this.#lived(record);
    if (record.kind === 'start') this.#started(record);
    if (record.kind !== 'end') return;
    const owner = this.#owners.get(this.#partitions.get(record.run) ?? '');
    this.#partitions.delete(record.run);
    if (owner?.instance === record.instance) owner.endedMs = record.atMs;
  }

  #lived({ instance, is, atMs }: LifeRecord): void {
    if (is === 'up') this.#came(instance, atMs);
    if (is === 'leaving') this.#leaving.add(instance);
    if (is === 'leaving' || is === 'frozen') this.#went(instance, is === 'leaving' ? 'leave' : 'stop');
    if (is === 'gone' || is === 'crashed') this.#went(instance, this.#leaving.has(instance) ? 'leave' : 'kill');
    if (is !== 'thawed') return;
    this.#away.delete(instance);
    this.#cameAtMs.set(instance, atMs);
    this.#last = 'continue';
  }

  #came(instance: string, atMs: number): void {
    if (this.#cameAtMs.has(instance)) return;
    this.#cameAtMs.set(instance, atMs);
    this.joins.push(instance);
    this.#last = 'join';
  }

  #went(instance: string, change: Change): void {
    this.#away.add(instance);
    this.#last = change;
  }

  #started({ instance, run, position, atMs }: StartRecord): void {
    this.#came(instance, atMs);
    const partition = position.slice(0, position.indexOf(':'));
    this.#partitions.set(run, partition);
    const owner = this.#owners.get(partition);
    if (owner?.instance === instance) {
      owner.startedMs = atMs;
      return;
    }
    if (owner !== undefined) this.#moved(partition, owner, { instance, atMs });
    this.#owners.set(partition, { instance, startedMs: atMs, endedMs: atMs });
  }

  #moved(partition: string, former: Owner, { instance, atMs }: Pick<StartRecord, 'instance' | 'atMs'>): void {
    this.moves.push({
      partition,
      from: former.instance,
      to: instance,
      after: this.#last,
      isHandedOver: !this.#away.has(former.instance),
      isToNewcomer: atMs - (this.#cameAtMs.get(instance) ?? atMs) < NEWCOMER_MS,
      drainMs: Math.max(0, former.endedMs - former.startedMs),
      pauseMs: atMs - former.startedMs,
    });
  }
}
