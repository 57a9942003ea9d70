import type { HeaderEntry, ReceivedMessage } from '../transport/message.js';
import type { Envelope, OutgoingEvent } from './envelope.js';

/** What a codec makes of an event. */
export interface EncodedEvent {
  readonly body: string | Uint8Array | null;
  readonly headers: readonly HeaderEntry[];
}

/** What a codec is told about the broker it speaks through. */
export interface CodecContext {
  /** `ce_` on Kafka, `ce-` elsewhere: the CloudEvents protocol bindings. */
  readonly headerPrefix: 'ce_' | 'ce-';
  /** Largest incoming body it parses, in bytes. */
  readonly maxBodyBytes: number;
  /** Deepest nesting of incoming JSON. */
  readonly maxJsonDepth: number;
}

/** Bytes and headers ↔ envelope. Made once per bus by its factory. Stateless; safe to call for any bytes. */
export interface Codec {
  readonly name: string;
  /** @throws EventBusError EVENT_BUS_DATA_NOT_SERIALIZABLE, EVENT_BUS_INVALID_EVENT */
  encode(event: OutgoingEvent): EncodedEvent;
  /**
   * Metadata only, for routing and lanes. A codec whose metadata lies in the body parses it here and may keep what it parsed for the first `decode`.
   * @throws EventBusError EVENT_BUS_DECODE_FAILED
   */
  read(message: ReceivedMessage): Envelope;
  /**
   * The data, parsed afresh at every call: a handler may change what it gets.
   * @throws EventBusError EVENT_BUS_DECODE_FAILED
   */
  decode(message: ReceivedMessage, envelope: Envelope): unknown;
}

/** What `cloudEventsCodec()`, `jsonEnvelopeCodec()` and `nestCodec()` return. */
export interface CodecFactory {
  readonly name: string;
  create(context: CodecContext): Codec;
}
