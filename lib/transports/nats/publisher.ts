import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { createInbox } from '@nats-io/transport-node';
import { EventBusError, MessageTooLargeError, NotConnectedError, toError } from '../../core/errors.js';
import type { BusLogger } from '../../core/logger.js';
import type { OutgoingMessage } from '../../transport/message.js';
import type { PublisherPort } from '../../transport/transport.js';
import { deadParts, type WireMessage } from './dead-parts.js';
import { EncodedHeaders, encodeHeaders } from './headers.outgoing.js';
import { NATS, permissionError, type PermissionViolation } from './nats.errors.js';
import { type PublishAnswer, readPublishAnswer } from './publish-answer.js';
import { type Routes, subjectFor } from './routes.js';

const EMPTY = new Uint8Array(0);
/** JetStream keeps the length of a message's headers in 16 bits, and refuses what is longer. */
const MAX_HEADER_BYTES = 65_535;

/** A publish that waits for its answer. */
interface Outstanding {
  /** Tells answers to an earlier use of the slot from those to this one. */
  readonly generation: number;
  readonly topic: string;
  readonly subject: string;
  readonly sizeBytes: number;
  /** Messages whose answer is missing: parts of a dead letter count one by one. */
  left: number;
  first: (PublishAnswer & { stored: true }) | undefined;
}

/**
 * Publishes with a reply subject each, all under one subscription; the reply names slot and use. What is out when the connection goes
 * is `unknown`; what comes while there is none is `unsent`. Writes of one turn are coalesced by the client.
 */
export class NatsPublisher {
  /** Slot → what waits for its answer. A slot is here exactly as long as it has not been answered. */
  readonly #outstanding = new Map<number, Outstanding>();
  #generation = 0;
  #connection: NatsConnection | undefined;
  #inbox = '';
  #maxBytes: number | undefined;

  constructor(
    private readonly routes: Routes,
    private readonly port: PublisherPort,
    private readonly logger: BusLogger,
    private readonly inboxPrefix: string,
  ) {}

  get outstanding(): number {
    return this.#outstanding.size;
  }

  attach(connection: NatsConnection): void {
    this.#connection = connection;
    this.#maxBytes = connection.info?.max_payload;
    this.#inbox = `${createInbox(this.inboxPrefix)}.`;
    connection.subscribe(`${this.#inbox}*`, { callback: (error, message) => this.#safely(error, message) });
  }

  /** Every outstanding publish is answered `unknown`. */
  detach(error: EventBusError): void {
    this.#connection = undefined;
    const slots = [...this.#outstanding.keys()];
    this.#outstanding.clear();
    for (const slot of slots) this.port.failed(slot, 'unknown', error);
  }

  publish(message: OutgoingMessage, slot: number): void {
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed())
      return this.port.failed(slot, 'unsent', new NotConnectedError(NATS));
    try {
      this.#send(connection, message, slot);
    } catch (error) {
      this.#outstanding.delete(slot);
      this.port.failed(slot, 'rejected', toError(error));
    }
  }

  /** The server does not take our messages on a subject: it says so instead of answering them. */
  refuse(violation: PermissionViolation): void {
    if (violation.operation !== 'publish') return;
    const error = permissionError(violation);
    for (const [slot, { subject }] of this.#outstanding)
      if (subject === violation.subject) this.#fail(slot, 'rejected', error);
  }

  #send(connection: NatsConnection, message: OutgoingMessage, slot: number): void {
    const route = this.routes.of(message.topic);
    const subject = subjectFor(route, message.key);
    const body = typeof message.body === 'string' ? Buffer.from(message.body, 'utf8') : (message.body ?? EMPTY);
    const wire = this.#wireMessages(message, body);
    const generation = ++this.#generation;

    this.#outstanding.set(slot, {
      generation,
      topic: route.topic,
      subject,
      sizeBytes: body.length,
      left: wire.length,
      first: undefined,
    });
    const reply = `${this.#inbox}${slot.toString(36)}_${generation.toString(36)}`;
    for (const one of wire) connection.publish(subject, one.body, { reply, headers: new EncodedHeaders(one.headers) });
  }

  #wireMessages(message: OutgoingMessage, body: Uint8Array): WireMessage[] {
    const headers = encodeHeaders(message);
    const size = headers.length + body.length;
    const maxBytes = this.#maxBytes ?? size;
    const areHeadersTooLarge = headers.length > MAX_HEADER_BYTES;
    if (size <= maxBytes && !areHeadersTooLarge) return [{ headers, body }];
    if (message.dead === true) return deadParts(message, body, maxBytes);
    if (areHeadersTooLarge) throw headersTooLarge(message.topic, headers.length);
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
    const [slotText = '', generationText = ''] = message.subject.slice(this.#inbox.length).split('_', 2);
    const slot = Number.parseInt(slotText, 36);
    const outstanding = this.#outstanding.get(slot);
    if (outstanding === undefined || outstanding.generation !== Number.parseInt(generationText, 36)) return;

    const answer = readPublishAnswer(message, outstanding.topic, outstanding.sizeBytes);
    if (answer === undefined) return;
    if (!answer.stored) return this.#fail(slot, answer.how, answer.error);
    outstanding.first ??= answer;
    outstanding.left -= 1;
    if (outstanding.left > 0) return;
    this.#outstanding.delete(slot);
    const { stream, sequence, duplicate } = outstanding.first;
    this.port.confirmed(slot, { stream, sequence }, duplicate);
  }

  #fail(slot: number, how: 'unsent' | 'unknown' | 'rejected', error: EventBusError): void {
    this.#outstanding.delete(slot);
    this.port.failed(slot, how, error);
  }
}

/** The key is among the headers, and so are the event's metadata. */
function headersTooLarge(topic: string, sizeBytes: number): EventBusError {
  return new EventBusError(
    'EVENT_BUS_MESSAGE_TOO_LARGE',
    `The headers of a message for "${topic}", its key among them, have ${sizeBytes} bytes: JetStream stores ${MAX_HEADER_BYTES}.`,
  );
}
