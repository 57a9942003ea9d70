import type { Codec, CodecContext, CodecFactory, EncodedEvent } from '../../../lib/envelope/codec.js';
import type { OutgoingEvent } from '../../../lib/envelope/envelope.js';
import { EventDefaults } from '../../../lib/envelope/event-defaults.js';
import type { EventOptions } from '../../../lib/envelope/event-options.js';
import { createEvent } from '../../../lib/envelope/validation.js';
import { type HeaderEntry, HeaderList, type ReceivedMessage } from '../../../lib/transport/message.js';

export const KAFKA: CodecContext = { headerPrefix: 'ce_', maxBodyBytes: 1_000_000, maxJsonDepth: 200 };
export const NATS: CodecContext = { ...KAFKA, headerPrefix: 'ce-' };
export const BROKERS = [
  ['Kafka', KAFKA],
  ['NATS', NATS],
] as const;

export const TOPIC = 'orders.placed';

/** An event as the publisher makes it. */
export function eventOf(data: unknown, options?: EventOptions): OutgoingEvent {
  return createEvent(TOPIC, data, options, new EventDefaults('billing'));
}

/** What a broker makes of an encoded event: bytes everywhere, on Kafka a key of its own. */
export function received(encoded: EncodedEvent, key: string | undefined, context: CodecContext): ReceivedMessage {
  const isKafka = context.headerPrefix === 'ce_';
  return {
    topic: TOPIC,
    key: isKafka ? (key === undefined ? null : Buffer.from(key)) : undefined,
    body: typeof encoded.body === 'string' ? new Uint8Array(Buffer.from(encoded.body)) : encoded.body,
    headers: new HeaderList(encoded.headers.map(([name, value]) => [name, isKafka ? Buffer.from(value) : value])),
  };
}

/** Anybody's message. */
export function message(body: string | Uint8Array | null, headers: readonly HeaderEntry[] = []): ReceivedMessage {
  return {
    topic: TOPIC,
    key: undefined,
    body: typeof body === 'string' ? Buffer.from(body) : body,
    headers: new HeaderList(headers),
  };
}

/** There and back: what a handler gets of what was published. */
export function roundTrip(factory: CodecFactory, context: CodecContext, data: unknown, options?: EventOptions) {
  const codec = factory.create(context);
  const event = eventOf(data, options);
  const incoming = received(codec.encode(event), event.key, context);
  const envelope = codec.read(incoming);
  return { event, incoming, envelope, data: codec.decode(incoming, envelope) };
}

export function readAndDecode(codec: Codec, incoming: ReceivedMessage) {
  const envelope = codec.read(incoming);
  return { envelope, data: codec.decode(incoming, envelope) };
}

/** What was thrown, or undefined. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
