import { type Admin, type IHeaders, Kafka, type KafkaMessage, logLevel, Partitioners, type Producer } from 'kafkajs';
import type {
  ContractEnvironment,
  RawMessage,
  RestartableEnvironment,
  StoredMessage,
} from '../../lib/testing/contract/subject.js';
import type { HeaderEntry } from '../../lib/transport/message.js';
import { kafkaTransport } from '../../lib/transports/kafka/index.js';
import type { KafkaServer } from '../support/brokers.js';
import { unique } from '../support/unique.js';

/** A Kafka, written to and read from with a plain kafkajs client. */
export class KafkaEnvironment implements ContractEnvironment {
  protected constructor(
    private readonly brokers: readonly string[],
    private readonly kafka: Kafka,
    private readonly admin: Admin,
    private readonly producer: Producer,
  ) {}

  static async connect(brokers: readonly string[]): Promise<KafkaEnvironment> {
    return new KafkaEnvironment(...(await connected(brokers)));
  }

  transport({ fetchBytes }: { readonly fetchBytes?: number } = {}) {
    const { brokers } = this;
    return kafkaTransport({
      connection: { brokers },
      topicRefreshMs: 500,
      ...(fetchBytes === undefined ? {} : { maxBytesPerPartition: fetchBytes }),
    });
  }

  async topic({ partitions = 3 }: { readonly partitions?: number } = {}): Promise<string> {
    const topic = unique('topic');
    await this.#create(topic, partitions);
    return topic;
  }

  family(): Promise<string> {
    return Promise.resolve(unique('family'));
  }

  declare(topic: string): Promise<void> {
    return this.#create(topic, 2);
  }

  async produceRaw(topic: string, { key, body, headers = [] }: RawMessage): Promise<void> {
    const sent: Record<string, (string | Buffer)[]> = Object.create(null);
    for (const [name, value] of headers)
      (sent[name] ??= []).push(typeof value === 'string' ? value : Buffer.from(value));
    const value = body === null ? null : Buffer.from(body);
    await this.producer.send({ topic, messages: [{ key: key ?? null, value, headers: sent }] });
  }

  async readBack(topic: string): Promise<readonly StoredMessage[]> {
    const count = await this.#count(topic);
    return count === 0 ? [] : this.#read(topic, count);
  }

  async close(): Promise<void> {
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()]);
  }

  async #create(topic: string, numPartitions: number): Promise<void> {
    await this.admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions, replicationFactor: 1 }] });
  }

  /** 0 for a topic that is not there. */
  async #count(topic: string): Promise<number> {
    if (!(await this.admin.listTopics()).includes(topic)) return 0;
    const offsets = await this.admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  }

  async #read(topic: string, count: number): Promise<StoredMessage[]> {
    const consumer = this.kafka.consumer({ groupId: unique('reader'), maxWaitTimeInMs: 50 });
    const byPartition = new Map<number, StoredMessage[]>();
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      let left = count;
      const eachMessage = async ({
        partition,
        message,
      }: {
        partition: number;
        message: KafkaMessage;
      }): Promise<void> => {
        byPartition.set(partition, [...(byPartition.get(partition) ?? []), storedMessage(partition, message)]);
        left -= 1;
        if (left === 0) resolve();
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
    await consumer.disconnect();
    return [...byPartition.values()].flat();
  }
}

/** A broker of its own. */
export class RestartableKafka extends KafkaEnvironment implements RestartableEnvironment {
  readonly #server: KafkaServer;

  private constructor(server: KafkaServer, parts: Connected) {
    super(...parts);
    this.#server = server;
  }

  static async start(server: KafkaServer): Promise<RestartableKafka> {
    return new RestartableKafka(server, await connected(server.brokers));
  }

  restart(): Promise<void> {
    return this.#server.restart();
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#server.remove();
  }
}

type Connected = [brokers: readonly string[], kafka: Kafka, admin: Admin, producer: Producer];

async function connected(brokers: readonly string[]): Promise<Connected> {
  const kafka = new Kafka({ clientId: 'contract-suite', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  return [brokers, kafka, admin, producer];
}

function storedMessage(partition: number, { key, value, headers = {}, offset }: KafkaMessage): StoredMessage {
  return {
    key: key === null ? null : key.toString(),
    body: value,
    headers: entriesOf(headers),
    position: { partition, offset: Number(offset) },
  };
}

function entriesOf(headers: IHeaders): HeaderEntry[] {
  return Object.entries(headers).flatMap(([name, value = '']) =>
    (Array.isArray(value) ? value : [value]).map((one): HeaderEntry => [name, one]),
  );
}
