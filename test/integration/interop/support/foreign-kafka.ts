import { type Admin, type IHeaders, Kafka, type KafkaMessage, logLevel, type Message, Partitioners } from 'kafkajs';
import type { Consumer, Producer } from 'kafkajs';
import { kafkaBroker } from '../../../support/brokers.js';
import { unique } from '../../../support/unique.js';

/** A message as a plain kafkajs consumer got it. */
export interface ForeignMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** As text; several values of a name as a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly rawHeaders: IHeaders;
  readonly partition: number;
  readonly offset: string;
}

/** Somebody else's service on the same Kafka: plain kafkajs, nothing of ours. */
export class ForeignKafka {
  readonly #consumers: Consumer[] = [];

  private constructor(
    readonly brokers: readonly string[],
    private readonly kafka: Kafka,
    readonly admin: Admin,
    private readonly producer: Producer,
  ) {}

  /** @param brokers where @default the shared ones of this test run */
  static async connect(brokers?: readonly string[]): Promise<ForeignKafka> {
    const where = brokers ?? (await kafkaBroker()).brokers;
    const kafka = new Kafka({ clientId: 'foreign', brokers: [...where], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await Promise.all([admin.connect(), producer.connect()]);
    return new ForeignKafka(where, kafka, admin, producer);
  }

  async topic(name = unique('interop'), config: Readonly<Record<string, string>> = {}): Promise<string> {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    await this.admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: name, numPartitions: 3, replicationFactor: 1, configEntries }],
    });
    return name;
  }

  /** Resolves with the partition it went to. */
  async send(topic: string, message: Message): Promise<number | undefined> {
    const [answer] = await this.producer.send({ topic, messages: [message] });
    return answer?.partition;
  }

  async sendAll(topic: string, messages: Message[]): Promise<void> {
    await this.producer.send({ topic, messages });
  }

  /** Everything on a topic from its beginning on; the list grows as it comes. */
  async read(topic: string): Promise<readonly ForeignMessage[]> {
    const messages: ForeignMessage[] = [];
    const consumer = this.kafka.consumer({ groupId: unique('foreign'), maxWaitTimeInMs: 50, maxBytes: 64_000_000 });
    this.#consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => void messages.push(foreignMessage(partition, message)),
    });
    return messages;
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.disconnect()));
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()]);
  }
}

function foreignMessage(partition: number, { key, value, headers = {}, offset }: KafkaMessage): ForeignMessage {
  const texts = Object.entries(headers).map(([name, given]) => [
    name,
    Array.isArray(given) ? given.map(String) : String(given),
  ]);
  return { key, value, headers: Object.fromEntries(texts), rawHeaders: headers, partition, offset };
}
