import type { IHeaders, Message, Producer, RecordMetadata } from 'kafkajs';
import type { KafkaProducer, ProducerMessage, TopicPartition } from './driver.js';
import type { Client } from './kafkajs-driver.js';
import { ProduceEncoding } from './produce-encoding.js';

const ALL_REPLICAS = -1;

/**
 * Idempotent, all replicas, and without a single retry of its own: a retry of kafkajs can confirm what it never sent. It refuses
 * `retries: 0` beside `idempotent`, and takes NaN, with which it never retries. What goes over the wire is written by us.
 */
export class KafkajsProducer implements KafkaProducer {
  readonly #producer: Producer;
  readonly #encoding: ProduceEncoding;

  constructor(
    private readonly client: Client,
    private readonly requestTimeoutMs: number,
  ) {
    this.#encoding = new ProduceEncoding(client.kafka);
    this.#producer = client.kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      retry: { retries: Number.NaN },
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    });
  }

  connect(): Promise<void> {
    return this.#producer.connect();
  }

  async send({ topic, partition }: TopicPartition, messages: readonly ProducerMessage[]): Promise<bigint | undefined> {
    const answers = await this.#producer.send({
      topic,
      acks: ALL_REPLICAS,
      timeout: this.requestTimeoutMs,
      messages: this.#encoding.isUsed
        ? this.#encoding.messagesOf(partition, messages)
        : messages.map((message) => plainMessage(partition, message)),
    });
    return baseOffsetOf(answers, topic, partition);
  }

  async close(): Promise<void> {
    this.client.sockets.destroy();
    await this.#producer.disconnect();
  }
}

/** As kafkajs takes it: all values of a name at the place of the first. */
function plainMessage(partition: number, { key, value, headers }: ProducerMessage): Message {
  const named: IHeaders = Object.create(null);
  for (const [name, header] of headers) {
    const bytes = typeof header === 'string' ? header : Buffer.from(header);
    const before = named[name];
    named[name] = before === undefined ? bytes : Array.isArray(before) ? [...before, bytes] : [before, bytes];
  }
  return { partition, key, value, headers: named };
}

/** A send that resolves is no proof: only an answer that names the partition is. */
function baseOffsetOf(answers: readonly RecordMetadata[], topic: string, partition: number): bigint | undefined {
  const answer = answers.find((candidate) => candidate.topicName === topic && candidate.partition === partition);
  if (answer?.errorCode !== 0 || answer.baseOffset === undefined) return undefined;
  const base = BigInt(answer.baseOffset);
  return base >= 0n ? base : undefined;
}
