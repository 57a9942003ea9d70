import { connect, headers, type JetStreamManager, type MsgHdrs, type NatsConnection } from 'nats';
import { natsServer } from '../../../support/brokers.js';
import { eventually } from '../../../support/eventually.js';
import { unique } from '../../../support/unique.js';

/** A message as the older NATS client, which this library does not use, read it from its stream. */
export interface ForeignMessage {
  readonly subject: string;
  readonly body: Buffer;
  /** Several values of a name as a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Somebody else's service on the same NATS: the `nats` 2.x package, nothing of ours. */
export class ForeignNats {
  private constructor(
    readonly url: string,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
  ) {}

  static async connect(): Promise<ForeignNats> {
    const { url } = await natsServer();
    const connection = await connect({ servers: url, name: 'foreign' });
    return new ForeignNats(url, connection, await connection.jetstreamManager());
  }

  /** A stream of one subject, both of one name, nobody else's. */
  async topic(name = unique('interop')): Promise<string> {
    await this.manager.streams.add({ name, subjects: [name] });
    return name;
  }

  async send(topic: string, body: string | Uint8Array, given: Readonly<Record<string, string>> = {}): Promise<void> {
    const sent = headers();
    for (const [name, value] of Object.entries(given)) sent.append(name, value);
    await this.connection.jetstream().publish(topic, body, { headers: sent });
  }

  /** The first messages of a topic's stream, as soon as there are so many. */
  read(topic: string, count: number): Promise<ForeignMessage[]> {
    return eventually(() => Promise.all(Array.from({ length: count }, (_, index) => this.#stored(topic, index + 1))), {
      timeoutMs: 20_000,
    });
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  async #stored(stream: string, seq: number): Promise<ForeignMessage> {
    const { subject, data, header } = await this.manager.streams.getMessage(stream, { seq });
    return { subject, body: Buffer.from(data), headers: textsOf(header) };
  }
}

function textsOf(given: MsgHdrs): Record<string, string | readonly string[]> {
  const entries = given.keys().map((name) => {
    const values = given.values(name);
    return [name, values.length === 1 ? String(values[0]) : values] as const;
  });
  return Object.fromEntries(entries);
}
