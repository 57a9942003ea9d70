import type { MsgImpl } from '@nats-io/transport-node';

/** A message as it lies in the client's buffer. The client's own getters make a view of it at each look; this one looks at the bytes themselves. */
export class RawMessage {
  readonly subject: string;
  readonly headerBytes: number;
  readonly sizeBytes: number;
  readonly #bytes: Buffer;

  constructor(
    message: MsgImpl,
    readonly reply: string,
  ) {
    const { _rdata: bytes, _msg: facts } = message;
    this.subject = message.subject;
    this.headerBytes = Math.max(0, facts.hdr);
    this.sizeBytes = bytes.length + this.subject.length + reply.length;
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** From `NATS/1.0` to the empty line, a character for each byte. */
  headerBlock(): string {
    return this.headerBytes === 0 ? '' : this.#bytes.toString('latin1', 0, this.headerBytes);
  }

  copyOfBody(): Buffer {
    const body = Buffer.allocUnsafe(this.#bytes.length - this.headerBytes);
    this.#bytes.copy(body, 0, this.headerBytes);
    return body;
  }
}
