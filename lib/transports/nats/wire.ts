import { type NatsConnection, NatsConnectionImpl } from '@nats-io/transport-node';

/** Characters that wait to be written before a turn is over. */
const MOST_TEXT = 65_536;

/** A message to be published; its subject and its reply have been checked. */
export interface Outgoing {
  readonly subject: string;
  readonly reply: string;
  /** Header block; text is written as UTF-8. */
  readonly headers: string | Uint8Array;
  readonly body: string | Uint8Array;
}

/**
 * Publishes many messages in one write. The client encodes each by itself, in four pieces that it copies together, and gives the socket 32 KiB
 * at a time; here the protocol's lines (`PUB`, `HPUB`) of a turn are one text, encoded once.
 */
export class Wire {
  #text = '';
  #isAhead = false;
  readonly #protocol: NatsConnectionImpl['protocol'];

  /** @throws TypeError for a connection that is not one of @nats-io/transport-node's */
  constructor(private readonly connection: NatsConnection) {
    if (!(connection instanceof NatsConnectionImpl)) throw new TypeError('not a connection of @nats-io/transport-node');
    this.#protocol = connection.protocol;
  }

  /** Writes it when the microtasks of this turn have run, or with `flush`. */
  publish({ subject, reply, headers, body }: Outgoing): void {
    const headerBytes = Buffer.byteLength(headers);
    const bytes = headerBytes + Buffer.byteLength(body);
    this.#count(bytes);
    this.#text += `HPUB ${subject} ${reply} ${headerBytes} ${bytes}\r\n`;
    this.#add(headers);
    this.#add(body);
    this.#text += '\r\n';
    if (this.#text.length >= MOST_TEXT) return this.flush();
    if (this.#isAhead) return;
    this.#isAhead = true;
    queueMicrotask(() => {
      this.#isAhead = false;
      this.flush();
    });
  }

  /** Publishes the same short text on each of the subjects, without headers, at once. */
  publishToAll(subjects: readonly string[], body: string): void {
    const end = ` ${body.length}\r\n${body}\r\n`;
    for (const subject of subjects) {
      this.#count(body.length);
      this.#text += `PUB ${subject}${end}`;
    }
    this.flush();
  }

  /** What was published is with the client, ahead of whatever is given to it from now on. */
  flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text !== '' && !this.connection.isClosed()) this.#protocol.sendCommand(Buffer.from(text, 'utf8'));
  }

  #add(part: string | Uint8Array): void {
    if (typeof part === 'string') {
      this.#text += part;
      return;
    }
    this.flush();
    if (!this.connection.isClosed()) this.#protocol.sendCommand(part);
  }

  /** For the client's statistics. */
  #count(bytes: number): void {
    this.#protocol.outMsgs += 1;
    this.#protocol.outBytes += bytes;
  }
}
