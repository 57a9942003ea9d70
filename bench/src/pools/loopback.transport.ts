import {
  type ConnectionStatus,
  type ConsumerPort,
  type Delivery,
  type HeaderEntry,
  type HeaderVisitor,
  type ReceivedHeaders,
  type Source,
  type Transport,
  type TransportContext,
  type TransportFactory,
} from 'nestjs-eventbus';

/** Headers that were parsed beforehand: what is measured begins behind the client. */
class ParsedHeaders implements ReceivedHeaders {
  readonly #entries: readonly HeaderEntry[];

  constructor(entries: readonly HeaderEntry[]) {
    this.#entries = entries;
  }

  get(name: string): string | undefined {
    const value = this.#entries.find(([candidate]) => candidate === name)?.[1];
    return value === undefined ? undefined : String(value);
  }

  entries(): readonly HeaderEntry[] {
    return this.#entries;
  }

  forEach(visit: HeaderVisitor): void {
    for (const [name, value] of this.#entries) visit(name, value);
  }
}

/** A message as it is made before the clock starts. */
export interface ReadyMessage {
  readonly body: Uint8Array;
  readonly headers: readonly HeaderEntry[];
}

/** A transport without a broker: hands over what it is given, and counts what is settled. */
export class Loopback implements TransportFactory {
  readonly name = 'loopback';
  readonly durable = false;
  settled = 0;
  #port: ConsumerPort | undefined;
  #source: Source | undefined;
  #credit: { readonly messages: number } | undefined;

  constructor(
    private readonly topic: string,
    private readonly group: string,
  ) {}

  validate(): readonly string[] {
    return [];
  }

  create({ consumer, publisher }: TransportContext): Transport {
    this.#port = consumer;
    const status: ConnectionStatus = { state: 'connected', since: 0 };
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      name: this.name,
      status,
      maxMessageBytes: undefined,
      headerPrefix: 'ce-',
      durable: false,
      connect: nothing,
      prepare: nothing,
      consume: () => {
        const source = sourceOf(this.group);
        this.#source = source;
        this.#credit = consumer.assigned(source);
        return Promise.resolve();
      },
      pause: () => undefined,
      resume: () => undefined,
      settle: () => {
        this.settled += 1;
      },
      settleBefore: nothing,
      stopFetching: nothing,
      closeConsumers: nothing,
      publish: (_message, slot) => publisher.confirmed(slot, { partition: 0, offset: slot }, false),
      close: nothing,
      details: () => ({}),
      unwrap: () => undefined,
    };
  }

  /** Delivers messages as a transport does, a fetch at a time and within the credit. Resolves when all are settled. */
  async deliverAll(messages: readonly ReadyMessage[], count: number): Promise<void> {
    const [port, source, credit] = [this.#port, this.#source, this.#credit];
    if (port === undefined || source === undefined || credit === undefined) throw new Error('the bus does not consume');
    const target = this.settled + count;
    for (let n = 0; n < count;) {
      const last = Math.min(count, n + Math.min(2_000, credit.messages));
      while (n < last) port.deliver(this.#delivery(source, messages[n % messages.length]!, n++));
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (this.settled < target) await new Promise((resolve) => setImmediate(resolve));
  }

  #delivery(source: Source, { body, headers }: ReadyMessage, n: number): Delivery {
    return {
      source,
      message: { topic: this.topic, key: undefined, body, headers: new ParsedHeaders(headers) },
      position: { stream: 'LOOPBACK', sequence: n },
      redelivered: false,
      sizeBytes: body.length + 200,
    };
  }
}

function sourceOf(group: string): Source {
  return {
    name: `${group}/loopback`,
    group,
    fetchBytes: 0,
    lease: () => 'held',
    replenished: () => undefined,
    progress: { lag: undefined, lastProgressAt: undefined },
  };
}
