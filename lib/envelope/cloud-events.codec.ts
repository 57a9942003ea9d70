import type { ReceivedMessage } from '../transport/message.js';
import { attributeHeaders } from './attributes.js';
import type { Codec, CodecContext, CodecFactory, EncodedEvent } from './codec.js';
import { BYTES_TYPE, bodyKind, JSON_TYPE } from './content-type.js';
import { DataNotSerializableError, EnvelopeDecodeError, InvalidEventError } from './envelope.errors.js';
import type { Envelope, OutgoingEvent } from './envelope.js';
import { parseJson, textOf } from './json-body.js';
import { toJson } from './json-data.js';
import { readEnvelope } from './received-envelope.js';
import { readStructured, structuredData } from './structured-event.js';
import { isWellFormed } from './text.js';

/**
 * CloudEvents 1.0 in binary mode, the default: the data is the body, the attributes are headers (`ce_id` on Kafka, `ce-id` elsewhere), so that any other consumer can
 * read it. `partitionkey` is the key, `dataversion` the schema's version.
 *
 * What is written, by the data and the event's `contentType`:
 * - JSON by default, strings included: `'hi'` becomes `"hi"`
 * - a string with a `contentType` that is not JSON, `text/plain` for instance: the text as it is
 * - a Uint8Array (a Buffer is one): the bytes as they are; without `contentType` as `application/octet-stream`
 * - `null`: a tombstone on Kafka, the JSON `null` elsewhere
 *
 * What is read, by the content type alone: JSON (also `…+json`, and when nothing is said) is parsed, `text/*` in UTF-8 is a string, everything else a Buffer. A tombstone
 * is `null`, and so is an empty body of a CloudEvent without content type. An empty body that claims to be JSON cannot be decoded. Structured mode is read as well. Messages that are no CloudEvents are read
 * too: their type is the topic, their id is `Nats-Msg-Id` or made of the content (`sha1-…`), the same at each redelivery.
 */
export function cloudEventsCodec(): CodecFactory {
  return { name: 'cloudevents', create: (context) => new CloudEventsCodec(context) };
}

class CloudEventsCodec implements Codec {
  readonly name = 'cloudevents';

  constructor(private readonly context: CodecContext) {}

  encode(event: OutgoingEvent): EncodedEvent {
    const { data } = event;
    if (data instanceof Uint8Array) return this.encoded(event, Buffer.from(data), event.contentType ?? BYTES_TYPE);
    if (bodyKind(event.contentType) !== 'json') return this.encoded(event, textBody(event), event.contentType);
    if (data === null && this.context.headerPrefix === 'ce_') return this.encoded(event, null, undefined);
    return this.encoded(event, toJson(data, this.context.maxJsonDepth), event.contentType ?? JSON_TYPE);
  }

  read(message: ReceivedMessage): Envelope {
    const envelope = readEnvelope(message, this.context.headerPrefix);
    if (envelope.contentType === undefined || bodyKind(envelope.contentType) !== 'structured') return envelope;
    return readStructured(message, envelope, this.context);
  }

  decode(message: ReceivedMessage, envelope: Envelope): unknown {
    const { body, topic } = message;
    if (body === null) return null;
    const kind = bodyKind(envelope.contentType);
    if (kind === 'json') return isWithoutData(body, envelope) ? null : parseJson(body, topic, this.context);
    if (kind === 'text') return textOf(body, topic, this.context);
    if (kind === 'structured') return structuredData(body, topic, this.context);
    if (kind === 'bytes') return Buffer.from(body);
    throw new EnvelopeDecodeError(topic, 'it is a batch of CloudEvents, which neither binding has');
  }

  private encoded(event: OutgoingEvent, body: EncodedEvent['body'], contentType: string | undefined): EncodedEvent {
    return { body, headers: attributeHeaders(event, this.context.headerPrefix, contentType) };
  }
}

function textBody({ data, contentType }: OutgoingEvent): string {
  if (typeof data !== 'string') {
    throw new InvalidEventError('contentType', `${contentType} needs data that is a string or a Uint8Array`);
  }
  if (!isWellFormed(data)) throw new DataNotSerializableError('data', 'has a lone surrogate, which UTF-8 cannot carry');
  return data;
}

/** A CloudEvent has a source, so a message with one and with neither body nor content type is an event without data. */
function isWithoutData(body: Uint8Array, envelope: Envelope): boolean {
  return body.length === 0 && envelope.contentType === undefined && envelope.source !== undefined;
}
