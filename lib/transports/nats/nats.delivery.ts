import { HeaderList, type Position, type ReceivedMessage } from '../../transport/message.js';
import type { Delivery, Source } from '../../transport/transport.js';
import type { AckReply } from './ack-reply.js';
import type { WholeDeadLetter } from './dead-letter.reader.js';
import { NatsHeaders } from './headers.received.js';
import type { RawMessage } from './raw-message.js';

/** One JetStream message in this process's hands. Its bytes are a copy: the client's buffer pins up to 64 KiB a message. */
export class NatsDelivery implements Delivery {
  message: ReceivedMessage;
  readonly position: Position;
  readonly redelivered: boolean;
  sizeBytes: number;
  readonly streamSequence: number;
  readonly storedNanos: number;
  /** Where it is settled and extended: the newest reply the server gave. */
  reply: string;
  /** False while the other parts of a dead letter are being fetched: not to be delivered yet. */
  isWhole = true;

  constructor(
    readonly source: Source,
    { stream, topicAt }: { readonly stream: string; readonly topicAt: number },
    facts: AckReply,
    raw: RawMessage,
  ) {
    this.message = {
      topic: topicAt === 0 ? raw.subject : raw.subject.slice(topicAt),
      key: undefined,
      body: raw.copyOfBody(),
      headers: new NatsHeaders(raw.headerBlock()),
      storedAt: facts.storedNanos / 1_000_000,
    };
    this.position = { stream, sequence: facts.streamSequence };
    this.redelivered = facts.deliveries > 1;
    this.sizeBytes = raw.sizeBytes;
    this.streamSequence = facts.streamSequence;
    this.storedNanos = facts.storedNanos;
    this.reply = raw.reply;
  }

  /** It was the last part of a dead letter; this is all of it. */
  complete({ headers, body }: WholeDeadLetter): void {
    this.message = { ...this.message, headers: new HeaderList(headers), body };
    this.sizeBytes = body.length + headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    this.isWhole = true;
  }
}
