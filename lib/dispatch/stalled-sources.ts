import type { WorkerPool } from '../pools/worker-pool.js';
import type { ConnectionState } from '../transport/transport.js';
import type { Attempt } from './attempt.js';
import type { CreditBook } from './credit.js';
import { DeliveryTask } from './delivery-task.js';
import type { OwnedSource } from './owned-source.js';
import type { Ownership } from './ownership.js';
import type { Runner } from './runner.js';
import { type Hold, nameOf } from './stall.js';
import { heldUpHold, leaseHold, runningHold } from './stalled-tasks.js';

/** What only the bus knows of its surroundings. */
export interface StallFacts {
  readonly connection: ConnectionState;
  /** Whether a group was paused on purpose. */
  readonly isPaused: (group: string) => boolean;
}

/** Where it is looked for what holds a source up. */
export interface HoldParts {
  readonly credit: CreditBook;
  readonly runner: Runner;
  readonly ownership: Ownership;
  readonly pools: { readonly global: WorkerPool; readonly keyed: WorkerPool };
}

/** What is at work on a source's events. */
interface SourceEvents {
  readonly running: Attempt[];
  readonly heldUp: DeliveryTask[];
}

const NO_EVENTS: SourceEvents = { running: [], heldUp: [] };

/** What holds a source up that is behind and makes no progress: the first that is true, outermost first. */
export class SourceHolds {
  /** Source → its handlers that run, and its events that are held up, longest first. Made when the first source asks. */
  #eventsBySource: Map<OwnedSource, SourceEvents> | undefined;

  constructor(
    private readonly parts: HoldParts,
    private readonly facts: StallFacts,
    /** Monotonic milliseconds. */
    private readonly now: number,
  ) {}

  of(owned: OwnedSource): Hold {
    return this.#outside(owned) ?? this.#byItself(owned) ?? this.#withoutCredit(owned);
  }

  /** Nothing in the queues has to do with it. */
  #outside({ source }: OwnedSource): Hold | undefined {
    const { connection, isPaused } = this.facts;
    if (connection !== 'connected') return { heldBy: 'broker', why: `the broker is away (${connection})` };
    if (isPaused(source.group)) return { heldBy: 'paused', why: `the group ${source.group} is paused` };
    return source.lease() === 'unsure' ? leaseHold(source.name) : undefined;
  }

  /** Its transport or its settling. */
  #byItself(owned: OwnedSource): Hold | undefined {
    const { credit, ownership } = this.parts;
    const { source } = owned;
    const failure = ownership.settleFirstOf(owned)?.failure;
    if (failure !== undefined) return { heldBy: 'settle', why: `events cannot be settled: ${failure.message}` };
    const own = source.progress.heldBy;
    if (own !== undefined) return { heldBy: 'credit', why: `${own}${this.#named(this.#eventOf(owned))}` };
    const hasLag = (source.progress.lag ?? 0) > 0;
    if (!hasLag || !credit.canFetch(owned)) return undefined;
    return { heldBy: 'transport', why: `there is credit and a lag of ${source.progress.lag}, and nothing arrives` };
  }

  /** Events in hand: its own, or others'. */
  #withoutCredit(owned: OwnedSource): Hold {
    const hold = this.#eventOf(owned);
    const { blockedByKey, inHand } = owned;
    if (hold !== undefined) {
      const blocked =
        blockedByKey === undefined ? '' : `too many events wait behind key ${JSON.stringify(blockedByKey)}: `;
      return { ...hold, why: `${blocked}${hold.why}` };
    }
    if (inHand > 0)
      return { heldBy: 'workers', why: `its ${inHand} events wait for a worker${this.#named(this.#busy())}` };
    return { heldBy: 'credit', why: `the queues are full of other sources' events${this.#named(this.#busy())}` };
  }

  /** The event of the source that blocks it, or else the one that is at it longest. */
  #eventOf(owned: OwnedSource): Hold | undefined {
    this.#eventsBySource ??= eventsBySource(this.parts.runner);
    const { running, heldUp } = this.#eventsBySource.get(owned) ?? NO_EVENTS;
    const isBlocking = ({ inFlight }: DeliveryTask): boolean =>
      inFlight.lane !== undefined && owned.blockedLanes.has(inFlight.lane);
    const blockingRun = running.find(({ task }) => task !== undefined && isBlocking(task));
    const blockingEvent = heldUp.find((task) => isBlocking(task));
    return this.#run(blockingRun) ?? this.#heldUp(blockingEvent) ?? this.#longest(running.at(0), heldUp.at(0));
  }

  /** A dead letter that cannot be stored says more than a handler that runs beside it. */
  #longest(run: Attempt | undefined, heldUp: DeliveryTask | undefined): Hold | undefined {
    if (heldUp?.pending?.error !== undefined) return this.#heldUp(heldUp);
    return this.#run(run) ?? this.#heldUp(heldUp);
  }

  /** What has kept a worker longest, of all that run. */
  #busy(): Hold | undefined {
    const { global, keyed } = this.parts.pools;
    const [oldest] = [keyed.state, global.state]
      .filter(({ oldestRunning }) => oldestRunning !== undefined)
      .toSorted((a, b) => (a.oldestRunningSince ?? 0) - (b.oldestRunningSince ?? 0));
    const task = oldest?.oldestRunning;
    if (!(task instanceof DeliveryTask)) return undefined;
    const forMs = Math.round(this.now - (oldest?.oldestRunningSince ?? this.now));
    return { heldBy: 'workers', why: `${nameOf(task)} has been running for ${forMs} ms` };
  }

  #run(attempt: Attempt | undefined): Hold | undefined {
    return attempt === undefined ? undefined : runningHold(attempt, this.now);
  }

  #heldUp(task: DeliveryTask | undefined): Hold | undefined {
    return task === undefined ? undefined : heldUpHold(task, this.now);
  }

  #named(hold: Hold | undefined): string {
    return hold === undefined ? '' : `: ${hold.why}`;
  }
}

function eventsBySource({ attempts, heldUp }: Runner): Map<OwnedSource, SourceEvents> {
  const bySource = new Map<OwnedSource, SourceEvents>();
  const eventsOf = ({ inFlight: { owned } }: DeliveryTask): SourceEvents => {
    const events = bySource.get(owned) ?? { running: [], heldUp: [] };
    bySource.set(owned, events);
    return events;
  };
  for (const attempt of attempts.list()) {
    if (attempt.task !== undefined && !attempt.isGivenUp) eventsOf(attempt.task).running.push(attempt);
  }
  for (const task of heldUp) eventsOf(task).heldUp.push(task);
  return bySource;
}
