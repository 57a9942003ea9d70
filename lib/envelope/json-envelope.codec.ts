import type { HeaderEntry, ReceivedMessage } from '../transport/message.js';
import { appendOwnHeaders } from './attributes.js';
import type { Codec, CodecContext, CodecFactory, EncodedEvent } from './codec.js';
import { JSON_TYPE } from './content-type.js';
import { EnvelopeDecodeError } from './envelope.errors.js';
import type { Envelope, OutgoingEvent } from './envelope.js';
import { parseJson } from './json-body.js';
import { toJson } from './json-data.js';
import {
  CAUSATION_HEADER,
  ENVELOPE_HEADERS,
  envelopeText,
  fieldsOf,
  mirroredFields,
  mirrorHeaders,
  TRACE_HEADER,
} from './json-envelope-fields.js';
import { bareRecord, isObject } from './records.js';
import { receivedId, receivedKey, receivedVersion } from './received-envelope.js';
import { type SortedHeaders, sortHeaders } from './received-headers.js';
import { isPrintableAscii } from './text.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * One JSON body with everything in it, as the reference Go bus writes it: `event_id, aggregate_id, event_type, event_version, timestamp,
 * trace_id?, correlation_id?, tenant_id, payload`; on Kafka mirrored in the headers `X-Event-ID` and so on. It needs what CloudEvents can do
 * without: publishing an event without key, version or tenantId is an InvalidEventError that says which.
 *
 * `trace_id` is the trace id of the trace context, or else the application's header `X-Trace-ID`, which is also how it is read; the whole trace
 * context goes in `traceparent` and `tracestate` headers and the causation id in `X-Causation-ID`, which Go readers pass over. Reading goes
 * by the body, but for the key, where the broker's own wins. Data is JSON only; `null` is written as a payload, and a tombstone is read as `null`.
 */
export function jsonEnvelopeCodec(): CodecFactory {
  return { name: 'json-envelope', create: (context) => new JsonEnvelopeCodec(context) };
}

class JsonEnvelopeCodec implements Codec {
  readonly name = 'json-envelope';

  constructor(private readonly context: CodecContext) {}

  encode(event: OutgoingEvent): EncodedEvent {
    const fields = fieldsOf(event);
    const headers: HeaderEntry[] = this.context.headerPrefix === 'ce_' ? mirrorHeaders(fields) : [];
    const { causationId } = event;
    if (causationId !== undefined && isPrintableAscii(causationId)) headers.push([CAUSATION_HEADER, causationId]);
    return {
      body: envelopeText(fields, toJson(event.data, this.context.maxJsonDepth - 1)),
      headers: appendOwnHeaders(headers, event, ENVELOPE_HEADERS),
    };
  }

  read(message: ReceivedMessage): Envelope {
    const headers = sortHeaders(message, this.context.headerPrefix, ENVELOPE_HEADERS);
    const fields = message.body === null ? mirroredFields(message) : this.parse(message.body, message.topic);
    return {
      topic: message.topic,
      id: receivedId(message, text(fields, 'event_id') ?? headers.brokerId),
      type: text(fields, 'event_type') ?? message.topic,
      source: undefined,
      version: receivedVersion(fields['event_version']),
      key: receivedKey(message, text(fields, 'aggregate_id')),
      time: text(fields, 'timestamp'),
      tenantId: text(fields, 'tenant_id'),
      correlationId: text(fields, 'correlation_id'),
      causationId: message.headers.get(CAUSATION_HEADER),
      traceparent: headers.own['traceparent'],
      tracestate: headers.own['tracestate'],
      contentType: JSON_TYPE,
      headers: withTraceId(headers, text(fields, 'trace_id')),
    };
  }

  decode(message: ReceivedMessage): unknown {
    return message.body === null ? null : (this.parse(message.body, message.topic)['payload'] ?? null);
  }

  /** @throws EnvelopeDecodeError also for JSON that is another thing than this envelope */
  private parse(body: Uint8Array, topic: string): Fields {
    const parsed = parseJson(body, topic, this.context);
    if (!isObject(parsed)) throw new EnvelopeDecodeError(topic, 'its body is no envelope');
    if (text(parsed, 'event_id') === undefined) throw new EnvelopeDecodeError(topic, 'its envelope has no event_id');
    if (text(parsed, 'event_type') === undefined)
      throw new EnvelopeDecodeError(topic, 'its envelope has no event_type');
    return parsed;
  }
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function withTraceId(headers: SortedHeaders, traceId: string | undefined): Readonly<Record<string, string>> {
  if (traceId === undefined || headers.own['traceparent'] !== undefined) return headers.own;
  return Object.assign(bareRecord(), headers.own, { [TRACE_HEADER]: traceId });
}
