import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { headerText, type ReceivedMessage } from '../transport/message.js';
import { EnvelopeDecodeError } from './envelope.errors.js';
import type { Envelope } from './envelope.js';
import type { HeaderPrefix } from './attributes.js';
import { attribute, sortHeaders, type SortedHeaders } from './received-headers.js';
import { asBuffer, hasControl } from './text.js';

/** Longest id that is taken from outside, in characters: dead letters put more behind it. */
const MAX_RECEIVED_ID_LENGTH = 1_024;

/**
 * The envelope of a message whose metadata lies in CloudEvents headers, read tolerantly: a message without any of them has an envelope too.
 *
 * - id: `ce_id`, or else `Nats-Msg-Id`, or else one made of the message's content and the broker's time, so that a redelivery has the same
 * - type: `ce_type`, or else the topic
 * - key: the broker's own, or else `ce_partitionkey`
 * @throws EnvelopeDecodeError for an id nobody could store, and for attributes that are not text
 */
export function readEnvelope(message: ReceivedMessage, prefix: HeaderPrefix): Envelope {
  return envelopeOf(message, sortHeaders(message, prefix));
}

export function envelopeOf(message: ReceivedMessage, headers: SortedHeaders): Envelope {
  return {
    topic: message.topic,
    id: receivedId(message, attribute(headers, 'id') ?? headers.brokerId),
    type: attribute(headers, 'type') ?? message.topic,
    source: attribute(headers, 'source'),
    version: receivedVersion(attribute(headers, 'dataversion')),
    key: receivedKey(message, attribute(headers, 'partitionkey')),
    time: attribute(headers, 'time'),
    tenantId: attribute(headers, 'tenantid'),
    correlationId: attribute(headers, 'correlationid'),
    causationId: attribute(headers, 'causationid'),
    traceparent: attribute(headers, 'traceparent') ?? headers.own['traceparent'],
    tracestate: attribute(headers, 'tracestate') ?? headers.own['tracestate'],
    contentType: receivedContentType(headers),
    headers: headers.own,
  };
}

/** `content-type` first when it says that the body is a whole CloudEvent, else the attribute. */
function receivedContentType(headers: SortedHeaders): string | undefined {
  const given = attribute(headers, 'datacontenttype');
  if (given === undefined || headers.contentType === undefined) return given ?? headers.contentType;
  return headers.contentType.toLowerCase().startsWith('application/cloudevents') ? headers.contentType : given;
}

/** An id from outside, checked, or one made of the message. @throws EnvelopeDecodeError */
export function receivedId(message: ReceivedMessage, given: string | undefined): string {
  if (given === undefined) return contentId(message);
  if (given.length > MAX_RECEIVED_ID_LENGTH) {
    throw new EnvelopeDecodeError(message.topic, `its id is longer than ${MAX_RECEIVED_ID_LENGTH} characters`);
  }
  if (hasControl(given)) throw new EnvelopeDecodeError(message.topic, 'its id has control characters');
  return given;
}

/** The broker's own key wins: partitions, and so order, follow it. One that is not UTF-8 is read byte for byte (Latin-1). */
export function receivedKey(message: ReceivedMessage, attributed: string | undefined): string | undefined {
  const { key } = message;
  if (key === null || key === undefined || key.length === 0) return attributed || undefined;
  return asBuffer(key).toString(isUtf8(key) ? 'utf8' : 'latin1');
}

/** A schema version from outside: a positive integer, or none. */
export function receivedVersion(given: unknown): number | undefined {
  if (given === undefined || given === '') return undefined;
  const version = Number(given);
  return Number.isSafeInteger(version) && version > 0 ? version : undefined;
}

/** The same for the same bytes, key, headers and storing time: what a redelivery has in common with the first delivery. */
function contentId(message: ReceivedMessage): string {
  const hash = createHash('sha1').update(`${message.topic}\0${message.storedAt ?? ''}\0`);
  for (const [name, value] of message.headers.entries()) hash.update(`${name}\0${headerText(value)}\0`);
  hash.update(message.key ?? '').update('\0');
  return `sha1-${hash.update(message.body ?? '').digest('hex')}`;
}
