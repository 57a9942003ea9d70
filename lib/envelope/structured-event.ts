import type { ReceivedMessage } from '../transport/message.js';
import type { Attribute } from './attributes.js';
import { bodyKind } from './content-type.js';
import { EnvelopeDecodeError } from './envelope.errors.js';
import type { Envelope } from './envelope.js';
import { type BodyLimits, parseJson } from './json-body.js';
import { isObject } from './records.js';
import { receivedId, receivedKey, receivedVersion } from './received-envelope.js';

/**
 * The envelope of a CloudEvent in structured mode (one JSON body). Attributes of the body go before those in headers.
 * @throws EnvelopeDecodeError
 */
export function readStructured(message: ReceivedMessage, fromHeaders: Envelope, limits: BodyLimits): Envelope {
  if (message.body === null) return fromHeaders;
  const event = parseEvent(message.body, message.topic, limits);
  const id = attributeText(event, 'id');
  return {
    ...fromHeaders,
    id: id === undefined ? fromHeaders.id : receivedId(message, id),
    type: attributeText(event, 'type') ?? fromHeaders.type,
    source: attributeText(event, 'source') ?? fromHeaders.source,
    version: receivedVersion(event['dataversion']) ?? fromHeaders.version,
    key: receivedKey(message, attributeText(event, 'partitionkey') ?? fromHeaders.key),
    time: attributeText(event, 'time') ?? fromHeaders.time,
    tenantId: attributeText(event, 'tenantid') ?? fromHeaders.tenantId,
    correlationId: attributeText(event, 'correlationid') ?? fromHeaders.correlationId,
    causationId: attributeText(event, 'causationid') ?? fromHeaders.causationId,
    traceparent: attributeText(event, 'traceparent') ?? fromHeaders.traceparent,
    tracestate: attributeText(event, 'tracestate') ?? fromHeaders.tracestate,
  };
}

/**
 * The data of a CloudEvent in structured mode, `null` when it has none.
 * @throws EnvelopeDecodeError
 */
export function structuredData(body: Uint8Array, topic: string, limits: BodyLimits): unknown {
  const event = parseEvent(body, topic, limits);
  const base64 = event['data_base64'];
  if (base64 === undefined) return event['data'] ?? null;
  if (typeof base64 !== 'string') throw new EnvelopeDecodeError(topic, 'its data_base64 is not text');
  const bytes = Buffer.from(base64, 'base64');
  const contentType = attributeText(event, 'datacontenttype');
  return contentType !== undefined && bodyKind(contentType) === 'json' ? parseJson(bytes, topic, limits) : bytes;
}

function parseEvent(body: Uint8Array, topic: string, limits: BodyLimits): Readonly<Record<string, unknown>> {
  const event = parseJson(body, topic, limits);
  if (!isObject(event) || Array.isArray(event)) {
    throw new EnvelopeDecodeError(topic, 'its body is not a CloudEvent');
  }
  return event;
}

function attributeText(event: Readonly<Record<string, unknown>>, name: Attribute): string | undefined {
  const value = event[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
