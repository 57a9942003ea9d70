import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { createInbox } from '@nats-io/transport-node';
import { EventBusError, MessageTooLargeError, NotConnectedError, toError } from '../../core/errors.js';
import type { BusLogger } from '../../core/logger.js';
import type { OutgoingMessage } from '../../transport/message.js';
import type { PublisherPort } from '../../transport/transport.js';
import { deadParts, type WireMessage } from './dead-parts.js';
import { HeaderWriter } from './headers.outgoing.js';
import { NATS, permissionError, type PermissionViolation } from './nats.errors.js';
import { type PublishAnswer, readPublishAnswer } from './publish-answer.js';
import { type Routes, subjectFor } from './routes.js';
import { Wire } from './wire.js';

/** JetStream keeps the length of a message's headers in 16 bits, and refuses what is longer. */
const MAX_HEADER_BYTES = 65_535;

/** A publish that waits for its answer. */
interface Outstanding {
  readonly slot: number;
  readonly topic: string;
  readonly subject: string;
  readonly sizeBytes: number;
  /** Messages whose answer is missing: parts of a dead letter count one by one. */
  left: number;
  first: (PublishAnswer & { stored: true }) | undefined;
}

/**
 * Publishes with a reply subject each, all under one subscription; the reply names the sending, so that an answer to an earlier one of the
 * same slot finds nothing. What is out when the connection goes is `unknown`; what comes while there is none is `unsent`.
 */
export class NatsPublisher {
  /** Number of its sending → what waits for its answer. It is here exactly as long as it has not been answered. */
  readonly #outstanding = new Map<number, Outstanding>();
  /** The number of the latest sending. */
  #sent = 0;
  readonly #writer = new HeaderWriter();
  #connection: NatsConnection | undefined;
  #wire: Wire | undefined;
  #inbox = '';
  #maxBytes: number | undefined;

  constructor(
    private readonly routes: Routes,
    private readonly port: PublisherPort,
    private readonly logger: BusLogger,
    private readonly inboxPrefix: string,
    /** Told of the stream with every confirm. */
    private readonly confirmedIn: (stream: string) => void,
  ) {}

  get outstanding(): number {
    return this.#outstanding.size;
  }

  attach(connection: NatsConnection): void {
    this.#connection = connection;
    this.#wire = new Wire(connection);
    this.#maxBytes = connection.info?.max_payload;
    this.#inbox = `${createInbox(this.inboxPrefix)}.`;
    connection.subscribe(`${this.#inbox}*`, { callback: (error, message) => this.#safely(error, message) });
  }

  /** Every outstanding publish is answered `unknown`. */
  detach(error: EventBusError): void {
    this.#connection = undefined;
    this.#wire = undefined;
    const left = [...this.#outstanding.values()];
    this.#outstanding.clear();
    for (const { slot } of left) this.port.failed(slot, 'unknown', error);
  }

  publish(message: OutgoingMessage, slot: number): void {
    const wire = this.#wire;
    if (wire === undefined || this.#connection?.isClosed() !== false)
      return this.port.failed(slot, 'unsent', new NotConnectedError(NATS));
    const sending = ++this.#sent;
    try {
      this.#send(wire, message, { slot, sending });
    } catch (error) {
      this.#outstanding.delete(sending);
      this.port.failed(slot, 'rejected', toError(error));
    }
  }

  /** The server does not take our messages on a subject: it says so instead of answering them. */
  refuse(violation: PermissionViolation): void {
    if (violation.operation !== 'publish') return;
    const error = permissionError(violation);
    for (const [sending, { slot, subject }] of this.#outstanding) {
      if (subject !== violation.subject) continue;
      this.#outstanding.delete(sending);
      this.port.failed(slot, 'rejected', error);
    }
  }

  #send(
    wire: Wire,
    message: OutgoingMessage,
    { slot, sending }: { readonly slot: number; readonly sending: number },
  ): void {
    const route = this.routes.of(message.topic);
    const subject = subjectFor(route, message.key);
    const body = message.body ?? '';
    const sizeBytes = Buffer.byteLength(body);
    const parts = this.#parts(message, body, sizeBytes);
    this.#outstanding.set(sending, {
      slot,
      topic: route.topic,
      subject,
      sizeBytes,
      left: parts.length,
      first: undefined,
    });
    const reply = this.#inbox + sending;
    for (const part of parts) wire.publish({ subject, reply, headers: part.headers, body: part.body });
  }

  #parts(message: OutgoingMessage, body: string | Uint8Array, bodyBytes: number): WireMessage[] {
    const headers = this.#writer.write(message);
    const headerBytes = Buffer.byteLength(headers);
    const size = headerBytes + bodyBytes;
    const maxBytes = this.#maxBytes ?? size;
    const areHeadersTooLarge = headerBytes > MAX_HEADER_BYTES;
    if (size <= maxBytes && !areHeadersTooLarge) return [{ headers, body }];
    if (message.dead === true) return deadParts(message, body, { maxBytes, writer: this.#writer });
    if (areHeadersTooLarge) throw headersTooLarge(message.topic, headerBytes);
    throw new MessageTooLargeError(message.topic, size, maxBytes);
  }

  /** What is thrown in the client's reader would end the connection. */
  #safely(error: Error | null, message: Msg): void {
    try {
      if (error === null) this.#answered(message);
      else this.logger.error('NATS: the subscription for confirms ended', { error });
    } catch (thrown) {
      this.logger.error('NATS: a confirm could not be handled', { error: toError(thrown) });
    }
  }

  #answered(message: Msg): void {
    const sending = Number(message.subject.slice(this.#inbox.length));
    const outstanding = this.#outstanding.get(sending);
    if (outstanding === undefined) return;

    const answer = readPublishAnswer(message, outstanding.topic, outstanding.sizeBytes);
    if (answer === undefined) return;
    if (!answer.stored) {
      this.#outstanding.delete(sending);
      return this.port.failed(outstanding.slot, answer.how, answer.error);
    }
    outstanding.first ??= answer;
    outstanding.left -= 1;
    if (outstanding.left > 0) return;
    this.#outstanding.delete(sending);
    const { stream, sequence, duplicate } = outstanding.first;
    this.confirmedIn(stream);
    this.port.confirmed(outstanding.slot, { stream, sequence }, duplicate);
  }
}

/** The key is among the headers, and so are the event's metadata. */
function headersTooLarge(topic: string, sizeBytes: number): EventBusError {
  return new EventBusError(
    'EVENT_BUS_MESSAGE_TOO_LARGE',
    `The headers of a message for "${topic}", its key among them, have ${sizeBytes} bytes: JetStream stores ${MAX_HEADER_BYTES}.`,
  );
}
