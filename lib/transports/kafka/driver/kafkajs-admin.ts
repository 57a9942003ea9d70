import kafkajs, { type Admin } from 'kafkajs';
import { TopologyError } from '../../../core/errors.js';
import { errorType, rootOf, typedError } from './client-errors.js';
import type { ClusterFacts, KafkaAdmin, NewTopic } from './driver.js';
import type { Client } from './kafkajs-driver.js';

const PROBE_TOPIC = '__consumer_offsets';
const NO_METADATA = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'];

/** Asks through kafkajs's admin client. */
export class KafkajsAdmin implements KafkaAdmin {
  readonly #admin: Admin;

  constructor(private readonly client: Client) {
    this.#admin = client.kafka.admin();
  }

  async connect(): Promise<void> {
    await typed('connect', () => this.#admin.connect());
    await this.probe();
  }

  /** Any answer will do, also that there is no such topic or that we may not see it. */
  async probe(): Promise<void> {
    try {
      await this.#admin.fetchTopicMetadata({ topics: [PROBE_TOPIC] });
    } catch (error) {
      if (rootOf(error).name !== 'KafkaJSProtocolError') throw typedError(error, 'connect');
    }
  }

  async listTopics(): Promise<ReadonlyMap<string, number>> {
    const { topics } = await typed('list topics', () => this.#admin.fetchTopicMetadata());
    return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    try {
      const { topics } = await typed('describe topics', () => this.#admin.fetchTopicMetadata({ topics: [topic] }));
      return topics.find(({ name }) => name === topic)?.partitions.length;
    } catch (error) {
      if (NO_METADATA.includes(errorType(error))) return undefined;
      throw error;
    }
  }

  async createTopic({ name, partitions, replicationFactor, config }: NewTopic): Promise<boolean> {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    const topic = { topic: name, numPartitions: partitions, replicationFactor, configEntries };
    try {
      return await typed('create topics', () => this.#admin.createTopics({ topics: [topic], waitForLeaders: false }));
    } catch (error) {
      if (errorType(error) === 'TOPIC_ALREADY_EXISTS') return false;
      if (/^(INVALID_|POLICY_VIOLATION)/.test(errorType(error))) {
        throw new TopologyError(`Kafka does not create topic "${name}": ${errorType(error)}.`, error);
      }
      throw error;
    }
  }

  async addPartitions(topic: string, total: number): Promise<void> {
    const topicPartitions = [{ topic, count: total }];
    await typed('add partitions', () => this.#admin.createPartitions({ topicPartitions }));
  }

  async topicConfig(topic: string): Promise<Readonly<Record<string, string>>> {
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }];
    const answer = await typed('describe configs', () =>
      this.#admin.describeConfigs({ resources, includeSynonyms: false }),
    );
    const entries = answer.resources[0]?.configEntries ?? [];
    const own = entries.filter(({ configSource }) => configSource === kafkajs.ConfigSource.TOPIC_CONFIG);
    return Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]));
  }

  async setTopicConfig(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }];
    await typed('alter configs', () => this.#admin.alterConfigs({ validateOnly: false, resources }));
  }

  async clusterFacts(): Promise<ClusterFacts> {
    const { brokers } = await typed('describe the cluster', () => this.#admin.describeCluster());
    const first = brokers[0];
    const maxMessageBytes = first === undefined ? undefined : await this.#maxMessageBytes(String(first.nodeId));
    return { brokers: brokers.length, maxMessageBytes };
  }

  async close(): Promise<void> {
    this.client.sockets.destroy();
    await this.#admin.disconnect();
  }

  /** Undefined where we are not permitted to ask: the broker then says no by itself. */
  async #maxMessageBytes(broker: string): Promise<number | undefined> {
    const resources = [{ type: kafkajs.ConfigResourceTypes.BROKER, name: broker, configNames: ['message.max.bytes'] }];
    try {
      const answer = await this.#admin.describeConfigs({ resources, includeSynonyms: false });
      const value = Number(answer.resources[0]?.configEntries[0]?.configValue);
      return Number.isSafeInteger(value) && value > 0 ? value : undefined;
    } catch (error) {
      if (errorType(error).endsWith('_AUTHORIZATION_FAILED')) return undefined;
      throw typedError(error, 'describe configs');
    }
  }
}

async function typed<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw typedError(error, doing);
  }
}
