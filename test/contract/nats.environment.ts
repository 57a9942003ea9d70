import {
  connect,
  headers,
  type JetStreamManager,
  type MsgHdrs,
  NatsError,
  type NatsConnection,
  type StoredMsg,
} from 'nats';
import type {
  ContractEnvironment,
  RawMessage,
  RestartableEnvironment,
  StoredMessage,
} from '../../lib/testing/contract/subject.js';
import type { HeaderEntry } from '../../lib/transport/message.js';
import { type NatsStreamOptions, natsTransport } from '../../lib/transports/nats/index.js';
import type { NatsServer } from '../support/brokers.js';
import { unique } from '../support/unique.js';

const NO_MESSAGE = 10_037;

/** A JetStream server, written to and read from with the older client, which the library does not use. */
export class NatsEnvironment implements ContractEnvironment {
  readonly #declared: NatsStreamOptions[] = [];

  protected constructor(
    private readonly url: string,
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly partitions: number = 0,
  ) {}

  /** @param partitions of every stream; 0 is none */
  static async connect(url: string, partitions = 0): Promise<NatsEnvironment> {
    return new NatsEnvironment(...(await connected(url)), partitions);
  }

  transport() {
    return natsTransport({
      connection: { servers: this.url },
      ackWaitMs: 2_000,
      memberTtlMs: 5_000,
      pullExpiryMs: 1_000,
      streams: this.#declared,
    });
  }

  async topic(): Promise<string> {
    const topic = unique('topic');
    await this.#create(topic, topic);
    return topic;
  }

  async family(): Promise<string> {
    const family = unique('family');
    await this.#create(family, `${family}.>`);
    return family;
  }

  declare(): Promise<void> {
    return Promise.resolve();
  }

  /** JetStream messages have no key: it goes where CloudEvents has it. */
  async produceRaw(topic: string, { key, body, headers: given = [] }: RawMessage): Promise<void> {
    const sent = headers();
    for (const [name, value] of given) sent.append(name, Buffer.from(value).toString());
    if (key) sent.append('ce-partitionkey', key);
    await this.connection.jetstream().publish(topic, body ?? new Uint8Array(), { headers: sent });
  }

  async readBack(topic: string): Promise<readonly StoredMessage[]> {
    const stream = await this.#streamOf(topic);
    if (stream === undefined) return [];
    const stored = await Promise.all(this.#places(topic).map((subject) => this.#read(stream, subject)));
    return stored.flat();
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** Publishers know of partitions only by a declaration. */
  async #create(name: string, subject: string): Promise<void> {
    await this.manager.streams.add({ name, subjects: this.#places(subject) });
    if (this.partitions > 0) this.#declared.push({ name, subjects: [subject], partitions: this.partitions });
  }

  /** A topic, and where it lies in each partition. */
  #places(topic: string): string[] {
    return [topic, ...Array.from({ length: this.partitions }, (_, partition) => `${partition}.${topic}`)];
  }

  async #read(stream: string, subject: string): Promise<StoredMessage[]> {
    const stored: StoredMessage[] = [];
    for (let seq = 1; ;) {
      const message = await this.#next(stream, subject, seq);
      if (message === undefined) return stored;
      seq = message.seq + 1;
      stored.push({
        key: null,
        body: message.data,
        headers: entriesOf(message.header),
        position: { stream, sequence: message.seq },
      });
    }
  }

  async #streamOf(topic: string): Promise<string | undefined> {
    return this.manager.streams.find(topic).catch(() => undefined);
  }

  async #next(stream: string, topic: string, seq: number): Promise<StoredMsg | undefined> {
    try {
      const query = Object.assign({ seq }, { next_by_subj: topic }); // the client's types know only half of what the server takes
      return await this.manager.streams.getMessage(stream, query);
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.err_code === NO_MESSAGE) return undefined;
      throw error;
    }
  }
}

/** A server of its own. */
export class RestartableNats extends NatsEnvironment implements RestartableEnvironment {
  readonly #server: NatsServer;

  private constructor(server: NatsServer, parts: Connected) {
    super(...parts);
    this.#server = server;
  }

  static async start(server: NatsServer): Promise<RestartableNats> {
    return new RestartableNats(server, await connected(server.url));
  }

  restart(): Promise<void> {
    return this.#server.restart();
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#server.remove();
  }
}

type Connected = [url: string, connection: NatsConnection, manager: JetStreamManager];

async function connected(url: string): Promise<Connected> {
  const connection = await connect({ servers: url, name: 'contract suite', maxReconnectAttempts: -1 });
  return [url, connection, await connection.jetstreamManager()];
}

function entriesOf(given: MsgHdrs): HeaderEntry[] {
  return given.keys().flatMap((name) => given.values(name).map((value): HeaderEntry => [name, value]));
}
