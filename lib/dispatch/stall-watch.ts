import { diagnostics, type StallDiagnostic } from '../core/diagnostics.js';
import type { BusLogger } from '../core/logger.js';
import type { HandlerRegistry } from '../handlers/registration.js';
import type { OwnedSource } from './owned-source.js';
import type { StallSnapshot } from './stall.js';
import { type HoldParts, SourceHolds, type StallFacts } from './stalled-sources.js';
import { type StallClock, stalledHandlers, stalledKeys } from './stalled-tasks.js';

/** Stalls that one line of the log names; the others are counted. */
const MOST_NAMED = 10;

/** Events of its own that hold a source up are told of as handlers and keys; the source is, too, once more waits at the broker. */
const OWN_EVENTS: ReadonlySet<StallDiagnostic['heldBy']> = new Set(['handler', 'backoff', 'dead-letter']);

/** By kind: task or source → its stall. */
type Stalls = Readonly<Record<StallDiagnostic['kind'], ReadonlyMap<object, StallSnapshot>>>;

/** What the watch looks at. */
export interface StallWatchOptions extends HoldParts {
  readonly bus: string;
  readonly registry: HandlerRegistry;
  /** The least time without progress, in milliseconds. */
  readonly stalledAfterMs: number;
  readonly logger: BusLogger;
  readonly now: () => number;
}

/**
 * Finds what makes no progress: handlers that run for long, keys whose event does not get on, sources that are behind. All of it in looks
 * that somebody calls for; nothing is kept per event. Each stall is told of once when it begins and once when it ends.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;

  /** Source → since when, of all looks without a break, it has been behind. */
  readonly #behindSince = new Map<OwnedSource, number>();

  /** As they were at the last look. */
  #stalls: Stalls = { handler: noStalls(), key: noStalls(), source: noStalls() };

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** As of the last look, those of handlers first. */
  get stalls(): StallSnapshot[] {
    const { handler, key, source } = this.#stalls;
    return [...handler.values(), ...key.values(), ...source.values()];
  }

  /** One look at everything. */
  look(facts: StallFacts): void {
    const { runner, stalledAfterMs, now } = this.#options;
    const clock = { now: now(), stalledAfterMs };
    this.#update({
      handler: stalledHandlers(runner.attempts.list(), clock),
      key: stalledKeys(runner.heldUp, clock),
      source: this.#stalledSources(facts, clock),
    });
  }

  /** Nobody looks any more: what stalls ends. */
  end(): void {
    this.#behindSince.clear();
    this.#update({ handler: noStalls(), key: noStalls(), source: noStalls() });
  }

  #stalledSources(facts: StallFacts, { now }: StallClock): Map<object, StallSnapshot> {
    const stalls = noStalls();
    const holds = new SourceHolds(this.#options, facts, now);
    this.#noteBehind(now);
    for (const [owned, behindSince] of this.#behindSince) {
      const since = Math.max(behindSince, owned.source.progress.lastProgressAt ?? behindSince);
      if (now - since <= this.#thresholdOf(owned.source.group)) continue;
      const hold = holds.of(owned);
      const isToldOf = !hasLag(owned) && OWN_EVENTS.has(hold.heldBy);
      if (isToldOf) continue;
      const { name, group } = owned.source;
      const nothing = { handler: undefined, topic: undefined, key: owned.blockedByKey };
      stalls.set(owned, { kind: 'source', what: name, since, group, source: name, ...nothing, ...hold });
    }
    return stalls;
  }

  #noteBehind(now: number): void {
    const behind = new Set<OwnedSource>();
    for (const owned of this.#options.ownership.all) {
      if (owned.phase === 'owned' && (hasLag(owned) || owned.inHand > 0)) behind.add(owned);
    }
    for (const owned of this.#behindSince.keys()) if (!behind.has(owned)) this.#behindSince.delete(owned);
    for (const owned of behind) if (!this.#behindSince.has(owned)) this.#behindSince.set(owned, now);
  }

  /** A source waits for handlers of its group: it is given as long as the slowest of them. */
  #thresholdOf(group: string): number {
    const { registry, stalledAfterMs } = this.#options;
    const ofGroup = registry.all.filter((handler) => handler.group === group);
    return Math.max(stalledAfterMs, ...ofGroup.map(({ timeoutMs }) => 2 * timeoutMs));
  }

  #update(found: Stalls): void {
    const before = this.#stalls;
    this.#stalls = found;
    const began: StallSnapshot[] = [];
    for (const kind of ['handler', 'key', 'source'] as const) {
      for (const [what, stall] of found[kind]) if (!before[kind].has(what)) began.push(stall);
      for (const [what, stall] of before[kind]) if (!found[kind].has(what)) this.#publish('ended', stall);
    }
    for (const stall of began) this.#publish('began', stall);
    this.#log(began);
  }

  #publish(phase: StallDiagnostic['phase'], { what: _what, since, ...facts }: StallSnapshot): void {
    if (!diagnostics.stall.hasSubscribers) return;
    const { bus, now } = this.#options;
    diagnostics.stall.publish({ bus, phase, ...facts, forMs: Math.round(now() - since) } satisfies StallDiagnostic);
  }

  #log(began: readonly StallSnapshot[]): void {
    if (began.length === 0) return;
    const named = began.slice(0, MOST_NAMED).map(({ what, why }) => `${what}: ${why}`);
    const more = began.length > MOST_NAMED ? `; and ${began.length - MOST_NAMED} more` : '';
    this.#options.logger.warn(`No progress: ${named.join('; ')}${more}.`, { stalled: began.length });
  }
}

function hasLag({ source }: OwnedSource): boolean {
  return (source.progress.lag ?? 0) > 0;
}

function noStalls(): Map<object, StallSnapshot> {
  return new Map();
}
