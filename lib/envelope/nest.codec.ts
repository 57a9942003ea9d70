import { isUtf8 } from 'node:buffer';
import type { ReceivedMessage } from '../transport/message.js';
import { attributeHeaders } from './attributes.js';
import type { Codec, CodecContext, CodecFactory, EncodedEvent } from './codec.js';
import { bodyKind } from './content-type.js';
import { DataNotSerializableError, EnvelopeDecodeError, InvalidEventError } from './envelope.errors.js';
import type { Envelope, OutgoingEvent } from './envelope.js';
import { parseJson, textOf } from './json-body.js';
import { toJson } from './json-data.js';
import { readEnvelope } from './received-envelope.js';
import { isObject } from './records.js';
import { asBuffer, isWellFormed } from './text.js';

/**
 * What Nest's stock clients emit and its stock servers take: on NATS (and in memory) a JSON packet `{ pattern, data }`, on Kafka the data itself, objects and arrays as
 * JSON, everything else as text. Metadata travels in CloudEvents headers, which Nest passes over, so that between two of our buses nothing of it
 * is lost; an event from Nest itself has none: its type is the topic, its id `Nats-Msg-Id` or made of the content.
 *
 * Nest's encoding loses types on Kafka, and so does this: the number 5 and the text '5' both arrive as '5', and text that looks like JSON arrives parsed. As Nest does, text that
 * begins like JSON and is none is handed over as text, and bytes that begin with zero as a Buffer; so are bytes that are not UTF-8. Publishing bytes on NATS,
 * or with a `contentType` that is not JSON, is an InvalidEventError.
 */
export function nestCodec(): CodecFactory {
  return {
    name: 'nest',
    create: (context) => (context.headerPrefix === 'ce_' ? new NestKafkaCodec(context) : new NestPacketCodec(context)),
  };
}

/** `{ pattern, data }`. */
class NestPacketCodec implements Codec {
  readonly name = 'nest';

  constructor(private readonly context: CodecContext) {}

  encode(event: OutgoingEvent): EncodedEvent {
    assertJsonType(event);
    if (event.data instanceof Uint8Array)
      throw new InvalidEventError('data', 'must be JSON in a Nest packet, not bytes');
    const data = toJson(event.data, this.context.maxJsonDepth - 1);
    const body = `{"pattern":${JSON.stringify(event.topic)},"data":${data}}`;
    return { body, headers: attributeHeaders(event, this.context.headerPrefix, undefined) };
  }

  read(message: ReceivedMessage): Envelope {
    return readEnvelope(message, this.context.headerPrefix);
  }

  /** What is no packet is the data itself, as for Nest. */
  decode({ body, topic }: ReceivedMessage): unknown {
    if (body === null) return null;
    const value = parseJson(body, topic, this.context);
    if (!isObject(value)) return value;
    const isPacket = value['pattern'] !== undefined || value['data'] !== undefined;
    return isPacket ? value['data'] : value;
  }
}

/** The data itself. */
class NestKafkaCodec implements Codec {
  readonly name = 'nest';

  constructor(private readonly context: CodecContext) {}

  encode(event: OutgoingEvent): EncodedEvent {
    assertJsonType(event);
    return { body: this.value(event.data), headers: attributeHeaders(event, this.context.headerPrefix, undefined) };
  }

  read(message: ReceivedMessage): Envelope {
    return readEnvelope(message, this.context.headerPrefix);
  }

  decode({ body, topic }: ReceivedMessage): unknown {
    if (body === null) return null;
    if (looksLikeJson(body[0])) return this.parsed(body, topic);
    if (body[0] === 0 || !isUtf8(body)) return Buffer.from(body);
    return textOf(body, topic, this.context);
  }

  private value(data: unknown): EncodedEvent['body'] {
    if (data === null) return null;
    if (data instanceof Uint8Array) return Buffer.from(data);
    if (typeof data !== 'string') return toJson(data, this.context.maxJsonDepth);
    if (!isWellFormed(data))
      throw new DataNotSerializableError('data', 'has a lone surrogate, which UTF-8 cannot carry');
    return data;
  }

  private parsed(body: Uint8Array, topic: string): unknown {
    try {
      return parseJson(body, topic, this.context);
    } catch (error) {
      if (error instanceof EnvelopeDecodeError && isText(body, error)) return asBuffer(body).toString('utf8');
      throw error;
    }
  }
}

/** Whether what could not be parsed is merely no JSON, and neither unsafe nor too deep: only the parser's own refusal has a cause. */
function isText(body: Uint8Array, error: EnvelopeDecodeError): boolean {
  if (error.cause === undefined) return false;
  try {
    JSON.parse(asBuffer(body).toString('utf8'));
    return false;
  } catch {
    return true;
  }
}

function looksLikeJson(first: number | undefined): boolean {
  return first === 0x7b || first === 0x5b;
}

function assertJsonType({ contentType }: OutgoingEvent): void {
  if (bodyKind(contentType) !== 'json') throw new InvalidEventError('contentType', 'must be JSON: Nest has no other');
}
