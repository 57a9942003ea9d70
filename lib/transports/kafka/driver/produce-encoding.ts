import type { Kafka } from 'kafkajs';
import type { HeaderEntry } from '../../../transport/message.js';
import type { ProducerMessage } from './driver.js';
import { ProduceWriter, type WireBatch } from './produce-writer.js';

/** A message of ours as it passes through kafkajs, which looks at nothing of it but its partition and that it has a value. */
export class EncodedByUs {
  constructor(
    readonly partition: number,
    readonly key: string | Buffer | null,
    readonly value: string | Buffer | null,
    /** Written by us; kafkajs's own way of writing would leave them out, and is not taken. */
    readonly entries: readonly HeaderEntry[],
  ) {}
}

/** What kafkajs asks its broker object to produce. */
interface ProduceArguments {
  readonly transactionalId?: unknown;
  readonly producerId: unknown;
  readonly producerEpoch: number;
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: readonly unknown[];
    }[];
  }[];
}

/** What is touched of a call that goes to a connection. */
interface Call {
  readonly request: { readonly apiName: string; readonly apiVersion: number; encode(): Promise<unknown> };
}

interface ProducingBroker {
  readonly connectionPool: { send(call: Call): Promise<unknown> };
  produce(given: ProduceArguments): Promise<unknown>;
}

interface Cluster {
  findBroker(node: unknown): Promise<object>;
}

/** The versions whose body ProduceWriter writes: all the same. */
const VERSIONS = { first: 3, last: 7 } as const;

/**
 * Writes the Produce requests of one client ourselves: kafkajs goes on to find the leader, to number the batches of the idempotent producer and to
 * read the answers. Only instances made through this client are changed, never kafkajs itself.
 */
export class ProduceEncoding {
  /** False when this kafkajs is built differently: messages are to be given to it as it takes them. */
  readonly isUsed: boolean;
  readonly #seen = new WeakSet<object>();
  readonly #writer = new ProduceWriter();

  constructor(
    kafka: Kafka,
    private readonly now: () => number = Date.now,
  ) {
    this.isUsed = this.#watchClusters(kafka);
  }

  /** Messages for one partition. To be sent by the client that was given. */
  messagesOf(partition: number, messages: readonly ProducerMessage[]): EncodedByUs[] {
    return messages.map(({ key, value, headers }) => new EncodedByUs(partition, key, value, headers));
  }

  #watchClusters(kafka: Kafka): boolean {
    const symbol = Object.getOwnPropertySymbols(kafka).find(
      ({ description }) => description === 'private:Kafka:createCluster',
    );
    const createCluster: unknown = symbol === undefined ? undefined : Reflect.get(kafka, symbol);
    if (symbol === undefined || typeof createCluster !== 'function') return false;
    return Reflect.set(kafka, symbol, (...args: unknown[]) => {
      const cluster: unknown = Reflect.apply(createCluster, kafka, args);
      if (isCluster(cluster)) this.#watchBrokers(cluster);
      return cluster;
    });
  }

  #watchBrokers(cluster: Cluster): void {
    const findBroker = cluster.findBroker.bind(cluster);
    cluster.findBroker = async (node) => {
      const broker = await findBroker(node);
      if (this.#seen.has(broker)) return broker;
      if (!isProducing(broker)) throw builtDifferently();
      this.#takeOver(broker);
      this.#seen.add(broker);
      return broker;
    };
  }

  /** `produce` hands its request to `send` before it has waited for anything: whose it is, is known in between. */
  #takeOver(broker: ProducingBroker): void {
    let batch: WireBatch | undefined;
    let facts = { acks: 0, timeoutMs: 0 };
    const produce = broker.produce.bind(broker);
    const pool = broker.connectionPool;
    const send = pool.send.bind(pool);
    broker.produce = (given) => {
      batch = batchOf(given);
      facts = { acks: given.acks, timeoutMs: given.timeout };
      try {
        return produce(given);
      } finally {
        batch = undefined;
      }
    };
    pool.send = (call) => {
      const ours = batch;
      batch = undefined;
      if (ours === undefined || !isOfOurVersions(call)) return send(call);
      const encode = (): Promise<unknown> => {
        const buffer = this.#writer.write(ours, { ...facts, timestamp: this.now() });
        return Promise.resolve({ buf: buffer, buffer });
      };
      return send({ ...call, request: { ...call.request, encode } });
    };
  }
}

/** Undefined for what is none of ours. @throws Error when ours are not one batch: kafkajs would write them without their headers */
function batchOf({ topicData, producerId, producerEpoch, transactionalId }: ProduceArguments): WireBatch | undefined {
  const all = topicData.flatMap(({ topic, partitions }) => partitions.map((data) => ({ topic, ...data })));
  if (!all.some(({ messages }) => messages.some((message) => message instanceof EncodedByUs))) return undefined;

  const [data] = all;
  const isOne = data !== undefined && all.length === 1 && typeof transactionalId !== 'string';
  if (!isOne || !data.messages.every((message) => message instanceof EncodedByUs)) throw builtDifferently();
  const { topic, partition, firstSequence, messages } = data;
  const records = messages.map(({ key, value, entries }) => ({ key, value, headers: entries }));
  return { topic, partition, firstSequence, records, producerId: BigInt(String(producerId)), producerEpoch };
}

function isOfOurVersions({ request }: Call): boolean {
  const { apiName, apiVersion } = request;
  if (apiName === 'Produce' && apiVersion >= VERSIONS.first && apiVersion <= VERSIONS.last) return true;
  throw builtDifferently();
}

function builtDifferently(): Error {
  return new Error('This version of kafkajs publishes differently: 2.2.4 is needed.');
}

function isCluster(value: unknown): value is Cluster {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'findBroker') === 'function';
}

function isProducing(broker: object): broker is ProducingBroker {
  const pool: unknown = Reflect.get(broker, 'connectionPool');
  const hasSend = typeof pool === 'object' && pool !== null && typeof Reflect.get(pool, 'send') === 'function';
  return hasSend && typeof Reflect.get(broker, 'produce') === 'function';
}
