import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerView } from './broker-view.js';
import { spread } from './random.js';

export type Fault = 'join' | 'leave' | 'kill' | 'stop' | 'continue';

/** How long something lasted, and what had happened before. */
export interface After {
  readonly after: Fault;
  readonly ms: number;
}

/** Who owns what, seen from outside, many times a second. */
export class SharesWatch {
  /** How many instances there should be. */
  expected: () => number = () => 0;
  readonly #convergence: After[] = [];
  readonly #unowned = new Map<string, number>();
  readonly #unownedSpans: After[] = [];
  #last: Fault = 'join';
  #unevenSince: number | undefined;
  #seen = 0;
  #even = 0;
  #isStopped = true;

  constructor(
    private readonly view: BrokerView,
    private readonly group: string,
    private readonly consumers: number,
  ) {}

  start(): void {
    this.#isStopped = false;
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** From here on shares are uneven until they are seen to be even. */
  happened(fault: Fault, _name: string | undefined): void {
    this.#last = fault;
    this.#unevenSince = performance.now();
  }

  /** Rejects unless everything is owned by those that should be there, within one of even. */
  async expectEven(): Promise<void> {
    const shares = await this.shares();
    if (!this.#isEven(shares)) throw new Error(`shares are ${shares.join(', ')}`);
  }

  /** Of those that take part. */
  async shares(): Promise<number[]> {
    const { members, owners } = await this.#look();
    return members.map((id) => owners.filter((owner) => owner === id).length);
  }

  report() {
    const kinds: Fault[] = ['join', 'leave', 'kill', 'stop', 'continue'];
    const of = (kind: Fault): number[] => this.#convergence.filter(({ after }) => after === kind).map(({ ms }) => ms);
    return {
      evenShare: Math.round((this.#even / this.#seen) * 1_000) / 1_000,
      convergenceMs: Object.fromEntries(kinds.map((kind) => [kind, spread(of(kind))])),
      unownedMs: spread(this.#unownedSpans.map(({ ms }) => ms)),
      convergences: this.#convergence,
      unownedSpans: this.#unownedSpans,
    };
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#sample().catch((error: unknown) => void (this.#isStopped ||= error === undefined));
      await sleep(50);
    }
  }

  async #sample(): Promise<void> {
    const { members, living, owners } = await this.#look();
    const now = performance.now();
    const isEven = this.#isEven(members.map((id) => owners.filter((owner) => owner === id).length));
    this.#seen += 1;
    if (isEven) this.#even += 1;
    if (isEven && this.#unevenSince !== undefined) {
      this.#convergence.push({ after: this.#last, ms: now - this.#unevenSince });
      this.#unevenSince = undefined;
    } else if (!isEven) this.#unevenSince ??= now;
    owners.forEach((owner, at) => this.#note(`${at}`, living.has(owner), now));
  }

  #note(key: string, isOwned: boolean, now: number): void {
    const since = this.#unowned.get(key);
    if (!isOwned && since === undefined) this.#unowned.set(key, now);
    if (!isOwned || since === undefined) return;
    this.#unownedSpans.push({ after: this.#last, ms: now - since });
    this.#unowned.delete(key);
  }

  #isEven(shares: readonly number[]): boolean {
    const owned = shares.reduce((sum, share) => sum + share, 0);
    return (
      shares.length === this.expected() && owned === this.consumers && Math.max(...shares) - Math.min(...shares) <= 1
    );
  }

  async #look(): Promise<{ members: string[]; living: Set<string>; owners: string[] }> {
    const prefix = `$KV.${this.group}-members.`;
    const info = await this.view.manager.streams.info(`KV_${this.group}-members`, { subjects_filter: `${prefix}>` });
    const keys = Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(prefix.length).split('.'));
    const names = ['ORDERS', ...Array.from({ length: this.consumers - 1 }, (_, n) => `ORDERS.${n}`)];
    const owners = await Promise.all(names.map((name) => this.#ownerOf(name)));
    const ids = (kind?: string): string[] =>
      keys.filter(([one]) => kind === undefined || one === kind).map(([, id = '']) => id);
    return { members: ids('m'), living: new Set(ids()), owners };
  }

  async #ownerOf(name: string): Promise<string> {
    const subject = `$KV.${this.group}-claims.${name}`;
    try {
      const message = await this.view.manager.streams.getMessage(`KV_${this.group}-claims`, { last_by_subj: subject });
      const record: { owner?: string } = message?.json() ?? {};
      return record.owner ?? '';
    } catch {
      return '';
    }
  }
}
