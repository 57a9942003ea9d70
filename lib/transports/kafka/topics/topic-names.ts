import { isWildcard, matchesPattern } from '../../../core/pattern.js';

/** Kafka's own topics: no pattern matches them. */
const INTERNAL = '__';

/** Application's names ↔ names on the wire: a prefix for environments that share a cluster. Groups have it too. */
export class TopicNames {
  constructor(private readonly prefix: string) {}

  wire(name: string): string {
    return this.prefix + name;
  }

  /** Undefined for a name of another environment, or one of Kafka's own. */
  app(wire: string): string | undefined {
    if (!wire.startsWith(this.prefix) || wire.startsWith(INTERNAL)) return undefined;
    return wire.slice(this.prefix.length);
  }

  /** Wire names, of these that exist, that the patterns match; in alphabetical order. */
  matching(patterns: readonly string[], existing: Iterable<string>): string[] {
    const matching: string[] = [];
    for (const wire of existing) {
      const app = this.app(wire);
      if (app !== undefined && patterns.some((pattern) => matchesPattern(pattern, app))) matching.push(wire);
    }
    return matching.toSorted();
  }
}

/** The topics that patterns name outright. */
export function namedTopics(patterns: readonly string[]): string[] {
  return patterns.filter((pattern) => !isWildcard(pattern));
}
