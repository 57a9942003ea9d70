import { TopologyError } from '../../../core/errors.js';
import type { BusLogger } from '../../../core/logger.js';
import { isDeadTopic } from '../../../core/pattern.js';
import type { KafkaAdmin, NewTopic } from '../driver/driver.js';
import { DEFAULT_TOPIC_PARTITIONS, type ResolvedKafkaOptions, type ResolvedKafkaTopic } from '../kafka.options.js';
import type { TopicNames } from './topic-names.js';

const MAX_REPLICATION = 3;
const KNOWN_TRIES = 40;
const KNOWN_PAUSE_MS = 50;
const LARGEST_MESSAGE = 'max.message.bytes';

/** Creates and checks topics, by policy. Application's names throughout. */
export class KafkaTopics {
  #brokers: number | undefined;

  /** @param admin the connected admin client; rejects while there is none */
  constructor(
    private readonly options: Pick<ResolvedKafkaOptions, 'topics' | 'policy' | 'maxDeadLetterBytes'>,
    private readonly names: TopicNames,
    private readonly admin: () => Promise<KafkaAdmin>,
    private readonly logger: BusLogger,
  ) {}

  /** Creates or checks what was declared. @throws TopologyError with everything that does not fit */
  async prepare(): Promise<void> {
    if (this.options.policy === 'none' || this.options.topics.length === 0) return;
    const admin = await this.admin();
    const existing = await admin.listTopics();
    const faults: string[] = [];
    for (const topic of this.options.topics) {
      const fault = await this.#prepareOne(admin, topic, existing.get(this.names.wire(topic.name)));
      if (fault !== undefined) faults.push(fault);
    }
    if (faults.length > 0) throw new TopologyError(faults.join('; '));
  }

  /** Number of partitions; a missing topic is created if the policy says so. Undefined: it is missing and stays so. */
  async ensure(name: string): Promise<number | undefined> {
    const admin = await this.admin();
    const partitions = await admin.partitionCount(this.names.wire(name));
    if (partitions !== undefined) return partitions;
    if (this.options.policy === 'none' || this.options.policy === 'validate') return undefined;
    const declared = this.options.topics.find((topic) => topic.name === name);
    await this.#create(
      admin,
      declared ?? { name, partitions: defaultPartitions(name), replicationFactor: undefined, config: {} },
    );
    return this.#untilKnown(admin, name);
  }

  /** Number of partitions; undefined when it is missing. Creates nothing. */
  async count(name: string): Promise<number | undefined> {
    return (await this.admin()).partitionCount(this.names.wire(name));
  }

  /** Largest message that some declared topic takes, in bytes; 0 when none says so. */
  get largestDeclaredMessage(): number {
    return Math.max(0, ...this.options.topics.map(({ config }) => Number(config[LARGEST_MESSAGE] ?? 0)));
  }

  /** A broker hears of a new topic a little later than its controller. */
  async #untilKnown(admin: KafkaAdmin, name: string): Promise<number> {
    for (let tries = 1; tries <= KNOWN_TRIES; tries += 1) {
      const partitions = await admin.partitionCount(this.names.wire(name));
      if (partitions !== undefined) return partitions;
      await new Promise((resolve) => {
        setTimeout(resolve, KNOWN_PAUSE_MS);
      });
    }
    throw new TopologyError(`Topic "${name}" was created, and no broker knows it.`);
  }

  async #prepareOne(
    admin: KafkaAdmin,
    topic: ResolvedKafkaTopic,
    partitions: number | undefined,
  ): Promise<string | undefined> {
    const { policy } = this.options;
    if (partitions === undefined) {
      if (policy === 'validate')
        return `topic "${topic.name}" is missing: create it with ${topic.partitions} partitions`;
      const isNew = await this.#create(admin, topic);
      if (isNew || policy !== 'create-or-update') return undefined;
    }
    if (policy === 'create-or-update') await this.#update(admin, topic);
    else if (partitions !== undefined && partitions < topic.partitions) return this.#tooFew(topic, partitions);
    return undefined;
  }

  #tooFew({ name, partitions: declared }: ResolvedKafkaTopic, partitions: number): string | undefined {
    const fault = `topic "${name}" has ${partitions} partitions, ${declared} are declared`;
    if (this.options.policy === 'validate') return fault;
    this.logger.warn(`${fault}; policy "create-or-update" would add them.`, { topic: name });
    return undefined;
  }

  /** @returns false when it was there already: a broker may not have heard of it yet when it was asked */
  async #create(admin: KafkaAdmin, topic: ResolvedKafkaTopic): Promise<boolean> {
    const replicationFactor = topic.replicationFactor ?? Math.min(MAX_REPLICATION, await this.#brokerCount(admin));
    const created = await admin.createTopic(this.#asNew(topic, replicationFactor));
    if (created)
      this.logger.log('Created a topic.', { topic: topic.name, partitions: topic.partitions, replicationFactor });
    return created;
  }

  /** A dead-letter topic takes what is larger than others take: what was too large to handle is stored all the same. */
  #asNew({ name, partitions, config }: ResolvedKafkaTopic, replicationFactor: number): NewTopic {
    const larger = isDeadTopic(name) ? { [LARGEST_MESSAGE]: String(this.options.maxDeadLetterBytes) } : {};
    return { name: this.names.wire(name), partitions, replicationFactor, config: { ...larger, ...config } };
  }

  async #update(admin: KafkaAdmin, topic: ResolvedKafkaTopic): Promise<void> {
    const wire = this.names.wire(topic.name);
    const partitions = (await admin.partitionCount(wire)) ?? topic.partitions;
    if (partitions < topic.partitions) await admin.addPartitions(wire, topic.partitions);
    if (Object.keys(topic.config).length === 0) return;
    const current = await admin.topicConfig(wire);
    const differs = Object.entries(topic.config).some(([name, value]) => current[name] !== value);
    if (differs) await admin.setTopicConfig(wire, { ...current, ...topic.config });
  }

  async #brokerCount(admin: KafkaAdmin): Promise<number> {
    this.#brokers ??= (await admin.clusterFacts()).brokers;
    return Math.max(1, this.#brokers);
  }
}

/** One partition holds the dead letters of a topic in their order. */
function defaultPartitions(name: string): number {
  return isDeadTopic(name) ? 1 : DEFAULT_TOPIC_PARTITIONS;
}
