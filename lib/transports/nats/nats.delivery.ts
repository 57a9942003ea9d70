import type { Position, ReceivedMessage } from '../../transport/message.js';
import type { Delivery, Source } from '../../transport/transport.js';
import type { AckReply } from './ack-reply.js';
import { NatsHeaders } from './headers.received.js';

/** A message as it lies in the client's buffer. */
export interface RawMessage {
  readonly subject: string;
  readonly reply: string;
  /** Header block and body. */
  readonly bytes: Uint8Array;
  readonly headerBytes: number;
}

/** One JetStream message in this process's hands. Its bytes are a copy: the client's buffer pins up to 64 KiB a message. */
export class NatsDelivery implements Delivery {
  readonly message: ReceivedMessage;
  readonly position: Position;
  readonly redelivered: boolean;
  readonly sizeBytes: number;
  readonly streamSequence: number;
  readonly storedNanos: number;
  /** Where it is settled and extended: the newest reply the server gave. */
  reply: string;

  constructor(
    readonly source: Source,
    stream: string,
    facts: AckReply,
    raw: RawMessage & { readonly topicAt: number },
  ) {
    const bytes = Buffer.from(raw.bytes);
    this.message = {
      topic: raw.subject.slice(raw.topicAt),
      key: undefined,
      body: bytes.subarray(raw.headerBytes),
      headers: new NatsHeaders(bytes.subarray(0, raw.headerBytes)),
      storedAt: facts.storedNanos / 1_000_000,
    };
    this.position = { stream, sequence: facts.streamSequence };
    this.redelivered = facts.deliveries > 1;
    this.sizeBytes = sizeOf(raw);
    this.streamSequence = facts.streamSequence;
    this.storedNanos = facts.storedNanos;
    this.reply = raw.reply;
  }
}

/** As the server counts a message against `max_bytes`. */
export function sizeOf({ bytes, subject, reply }: RawMessage): number {
  return bytes.length + subject.length + reply.length;
}
