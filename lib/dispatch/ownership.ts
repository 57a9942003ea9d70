import type { HandleRegister } from '../core/handle-register.js';
import type { LeftBehindEvent, OverlapDiagnostic } from '../core/diagnostics.js';
import { HandlerAbortedError } from '../handlers/handler.errors.js';
import type { WorkerPool } from '../pools/worker-pool.js';
import type { Credit, Source } from '../transport/transport.js';
import type { CreditBook } from './credit.js';
import type { DeliveryTask } from './delivery-task.js';
import { inTime } from './deadline.js';
import { leftBehind } from './left-behind.js';
import type { LeftBehindReport } from './left-behind.js';
import type { Overlaps } from './overlaps.js';
import { OwnedSource } from './owned-source.js';
import type { Runner } from './runner.js';
import type { SettleFirst } from './settle-first.js';

/** What ownership needs. */
export interface OwnershipOptions {
  readonly credit: CreditBook;
  readonly runner: Runner;
  readonly overlaps: Overlaps;
  readonly report: LeftBehindReport;
  readonly pools: readonly WorkerPool[];
  readonly rebalanceDrainMs: number;
  readonly handles: HandleRegister;
  readonly now: () => number;
  readonly deliveryOf: (group: string) => 'at-least-once' | 'at-most-once';
  readonly poolsOf: (group: string) => readonly ('global' | 'keyed')[];
  /** Made for every source of an at-most-once group. */
  readonly settleFirst: (owned: OwnedSource) => SettleFirst;
}

/** Which sources are ours, and what becomes of their deliveries when they are not any more. */
export class Ownership {
  readonly #options: OwnershipOptions;

  /** Source → what we hold of it, until it is lost. */
  readonly #ownedBySource = new Map<Source, OwnedSource>();
  readonly #settleFirstByOwned = new Map<OwnedSource, SettleFirst>();
  #isStopped = false;

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** All that are not lost. */
  get all(): Iterable<OwnedSource> {
    return this.#ownedBySource.values();
  }

  of(source: Source): OwnedSource | undefined {
    return this.#ownedBySource.get(source);
  }

  /** Where deliveries of an at-most-once source go; undefined for others. */
  settleFirstOf(owned: OwnedSource): SettleFirst | undefined {
    return this.#settleFirstByOwned.get(owned);
  }

  assigned(source: Source): Credit {
    const { credit, deliveryOf, poolsOf, settleFirst } = this.#options;
    const shares = poolsOf(source.group).map((name) => credit.pools[name]);
    const owned = new OwnedSource(source, deliveryOf(source.group), shares);
    this.#ownedBySource.set(source, owned);
    if (owned.guarantee === 'at-most-once') this.#settleFirstByOwned.set(owned, settleFirst(owned));
    const granted = credit.open(owned);
    if (!this.#isStopped) return granted;

    owned.phase = 'stopped';
    credit.close(owned);
    return granted;
  }

  /** Drops what is queued, and waits for what runs: until it has ended, or the drain deadline has passed. */
  async revoking(source: Source): Promise<void> {
    const owned = this.#ownedBySource.get(source);
    if (owned === undefined || owned.phase === 'stopped') return;
    if (owned.phase === 'revoking') return void (await this.#untilEmpty(owned));

    owned.phase = 'revoking';
    this.#options.credit.close(owned);
    this.#settleFirstByOwned.get(owned)?.stop();
    if (owned.guarantee === 'at-least-once') this.#discard(owned);
    if ((await this.#untilEmpty(owned)) || this.#ownedBySource.get(source) !== owned) return;

    const why = `${source.name} moves to another instance and the drain deadline has passed`;
    const events = this.#stop(owned, why, 'deadline');
    const what = `The drain deadline of ${source.name} has passed`;
    this.#options.report.tell(what, { why: 'rebalance', source: source.name, events });
  }

  /** Drops what is queued and raises the signals of what runs. Idempotent. */
  lost(source: Source): void {
    const owned = this.#ownedBySource.get(source);
    if (owned === undefined) return;

    this.#ownedBySource.delete(source);
    const left = this.#stop(owned, `${source.name} is not owned any more`, 'loss');
    const events = left.filter(({ isLost, state }) => isLost || state === 'running');
    owned.phase = 'lost';
    this.#settleFirstByOwned.delete(owned);
    owned.release();
    this.#options.report.tell(`${source.name} was lost`, { why: 'loss', source: source.name, events });
  }

  /** Nothing of any source starts any more, also of those that come later. Returns what was left. */
  stopAll(why: string): LeftBehindEvent[] {
    this.#isStopped = true;
    return [...this.all].flatMap((owned) => this.#stop(owned, why, 'deadline'));
  }

  #untilEmpty(owned: OwnedSource): Promise<boolean> {
    if (owned.inHand === 0) return Promise.resolve(true);
    const { handles, rebalanceDrainMs } = this.#options;
    return inTime(handles, `drain of ${owned.source.name}`, rebalanceDrainMs, (done) => owned.onceEmpty(done));
  }

  /** Nothing more of it starts; what runs is told, and counted once. Nothing is left of what was stopped before. */
  #stop(owned: OwnedSource, why: string, overlap: OverlapDiagnostic['why']): LeftBehindEvent[] {
    const { credit, runner, overlaps, now } = this.#options;
    const isFirst = owned.phase !== 'stopped';
    owned.phase = 'stopped';
    credit.close(owned);
    this.#settleFirstByOwned.get(owned)?.stop();
    const running = runner.running(owned);
    const waiting = this.#discard(owned);
    runner.attempts.raise(new HandlerAbortedError(why), owned);
    if (!isFirst) return [];

    for (const { task } of running) if (task !== undefined) overlaps.note(overlap, task);
    return leftBehind({ running, storing: runner.storing(owned), waiting }, now());
  }

  #discard(owned: OwnedSource): DeliveryTask[] {
    return this.#options.runner.droppedBy(() => {
      for (const pool of this.#options.pools) pool.discard(owned);
    });
  }
}
