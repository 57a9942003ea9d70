import { coversPattern, matchesPattern } from '../core/pattern.js';
import type { Subscription } from '../transport/transport.js';
import type { HandlerRegistration, HandlerRegistry } from './registration.js';

/** What belongs to a group, complete. */
export interface GroupSettings {
  readonly delivery: 'at-least-once' | 'at-most-once';
  readonly startFrom: 'earliest' | 'latest' | Date;
}

/** The handlers of a group that want a topic: by type, as far as types matter. */
interface TopicRoute {
  readonly handlers: readonly HandlerRegistration[];
  readonly isTyped: boolean;
  readonly byType: Map<string, readonly HandlerRegistration[]>;
}

/** How many answers are kept; then all are forgotten and found again. Topics and types come from outside. */
const MAX_CACHED = 10_000;
/** Longer topics and types are not kept. */
const MAX_CACHED_LENGTH = 512;

/** Finds handlers by group, topic and type. */
export class EventHandlerRegistry implements HandlerRegistry {
  readonly #byGroup = new Map<string, HandlerRegistration[]>();
  /** Group → topic → route. What is here is also counted in `#cached`. */
  readonly #routes = new Map<string, Map<string, TopicRoute>>();
  #cached = 0;

  constructor(
    readonly all: readonly HandlerRegistration[],
    private readonly settingsOf: (group: string) => GroupSettings,
  ) {
    for (const handler of all) {
      this.#byGroup.set(handler.group, [...(this.#byGroup.get(handler.group) ?? []), handler]);
    }
  }

  match(group: string, topic: string, type: string): readonly HandlerRegistration[] {
    const route = this.#route(group, topic);
    if (!route.isTyped) return route.handlers;
    return route.byType.get(type) ?? this.#remember(route, type);
  }

  hasTopic(group: string, topic: string): boolean {
    return this.#route(group, topic).handlers.length > 0;
  }

  subscriptions(): readonly Subscription[] {
    return [...this.#byGroup].map(([group, handlers]) => ({
      group,
      patterns: withoutCovered(handlers.flatMap(({ patterns }) => patterns)),
      ordering: handlers.some(({ pool }) => pool === 'keyed') ? 'key' : 'none',
      ...this.settingsOf(group),
    }));
  }

  #route(group: string, topic: string): TopicRoute {
    const known = this.#routes.get(group)?.get(topic);
    if (known) return known;
    const wanting = (this.#byGroup.get(group) ?? []).filter(({ patterns }) =>
      patterns.some((pattern) => matchesPattern(pattern, topic)),
    );
    const isTyped = wanting.some(({ type }) => type !== undefined);
    const route: TopicRoute = { handlers: wanting, isTyped, byType: new Map() };
    if (topic.length > MAX_CACHED_LENGTH) return route;
    this.#makeRoom();
    const routes = this.#routes.get(group) ?? new Map<string, TopicRoute>();
    this.#routes.set(group, routes.set(topic, route));
    return route;
  }

  #remember(route: TopicRoute, type: string): readonly HandlerRegistration[] {
    const handlers = route.handlers.filter((handler) => handler.type === undefined || handler.type === type);
    if (type.length > MAX_CACHED_LENGTH) return handlers;
    this.#makeRoom();
    route.byType.set(type, handlers);
    return handlers;
  }

  #makeRoom(): void {
    if (this.#cached >= MAX_CACHED) {
      this.#routes.clear();
      this.#cached = 0;
    }
    this.#cached += 1;
  }
}

/** Without duplicates, and without those that another one covers. */
function withoutCovered(patterns: readonly string[]): string[] {
  const distinct = [...new Set(patterns)];
  return distinct.filter((pattern) => !distinct.some((other) => other !== pattern && coversPattern(other, pattern)));
}
