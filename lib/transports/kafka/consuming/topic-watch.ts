import { isWildcard } from '../../../core/pattern.js';
import type { BusLogger } from '../../../core/logger.js';
import type { KafkaAdmin } from '../driver/driver.js';
import type { KafkaTopics } from '../topics/kafka-topics.js';
import { namedTopics, type TopicNames } from '../topics/topic-names.js';

/** Which topics a group's patterns mean at this moment. */
export class TopicWatch {
  /** Named topics that were missing when last looked for; each is reported once. */
  readonly #missing = new Set<string>();

  constructor(
    private readonly group: string,
    private readonly patterns: readonly string[],
    private readonly cluster: {
      readonly names: TopicNames;
      readonly topics: KafkaTopics;
      admin(): Promise<KafkaAdmin>;
    },
    private readonly logger: BusLogger,
  ) {}

  /** Whether topics may still come that the patterns mean. */
  get mayGrow(): boolean {
    return this.#missing.size > 0 || this.patterns.some(isWildcard);
  }

  /** Application's names that exist nowhere yet. */
  get missing(): readonly string[] {
    return [...this.#missing];
  }

  /** Wire names of all that exist and match. Named topics that are missing are created, if the policy says so. */
  async resolve(): Promise<string[]> {
    for (const name of namedTopics(this.patterns)) {
      if ((await this.cluster.topics.ensure(name)) === undefined) this.#report(name);
      else this.#missing.delete(name);
    }
    const named = namedTopics(this.patterns).filter((name) => !this.#missing.has(name));
    const wildcards = this.patterns.filter(isWildcard);
    const matching = wildcards.length === 0 ? [] : await this.#matching(wildcards);
    return [...new Set([...named.map((name) => this.cluster.names.wire(name)), ...matching])].toSorted();
  }

  async #matching(wildcards: readonly string[]): Promise<string[]> {
    const existing = await (await this.cluster.admin()).listTopics();
    return this.cluster.names.matching(wildcards, existing.keys());
  }

  #report(topic: string): void {
    if (this.#missing.has(topic)) return;
    this.#missing.add(topic);
    this.logger.warn('A topic does not exist; it is consumed as soon as it does.', { topic, group: this.group });
  }
}
