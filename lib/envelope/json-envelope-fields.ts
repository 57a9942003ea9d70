import { headerText, type HeaderEntry, type ReceivedMessage } from '../transport/message.js';
import { bodyKind } from './content-type.js';
import { InvalidEventError } from './envelope.errors.js';
import type { OutgoingEvent } from './envelope.js';

/** The fields of the reference Go bus's envelope, but for the payload, as text and number. */
export interface EnvelopeFields {
  readonly event_id: string;
  readonly aggregate_id: string;
  readonly event_type: string;
  readonly event_version: number;
  readonly timestamp: string;
  readonly trace_id?: string | undefined;
  readonly correlation_id?: string | undefined;
  readonly tenant_id: string;
}

/** Where the trace id is kept when there is no whole trace context. */
export const TRACE_HEADER = 'X-Trace-ID';
export const CAUSATION_HEADER = 'X-Causation-ID';

/** Field → the Kafka header that mirrors it. */
const MIRRORS: readonly (readonly [keyof EnvelopeFields, string])[] = [
  ['event_id', 'X-Event-ID'],
  ['aggregate_id', 'X-Aggregate-ID'],
  ['event_type', 'X-Event-Type'],
  ['event_version', 'X-Event-Version'],
  ['trace_id', TRACE_HEADER],
  ['correlation_id', 'X-Correlation-ID'],
  ['tenant_id', 'X-Tenant-ID'],
];

/** The codec's own headers, in lower case. */
export const ENVELOPE_HEADERS: ReadonlySet<string> = new Set(
  [...MIRRORS.map(([, header]) => header), CAUSATION_HEADER].map((name) => name.toLowerCase()),
);

/**
 * An event as the envelope's fields.
 * @throws InvalidEventError that names what the envelope needs and the event lacks
 */
export function fieldsOf(event: OutgoingEvent): EnvelopeFields {
  if (event.data instanceof Uint8Array || bodyKind(event.contentType) !== 'json') {
    throw new InvalidEventError('data', 'must be JSON in a JSON envelope, which carries neither bytes nor plain text');
  }
  return {
    event_id: event.id,
    aggregate_id: needed(event.key, 'key', 'aggregate_id'),
    event_type: event.type,
    event_version: needed(event.version, 'version', 'event_version'),
    timestamp: needed(event.time, 'time', 'timestamp'),
    trace_id: event.traceparent?.slice(3, 35) ?? event.headers[TRACE_HEADER],
    correlation_id: event.correlationId,
    tenant_id: needed(event.tenantId, 'tenantId', 'tenant_id'),
  };
}

function needed<Value>(value: Value | undefined, option: string, field: string): Value {
  if (value === undefined) throw new InvalidEventError(option, `is missing: the JSON envelope needs it as ${field}`);
  return value;
}

/** The envelope as JSON text, around a payload that is JSON text already. */
export function envelopeText(fields: EnvelopeFields, payload: string): string {
  return `${JSON.stringify(fields).slice(0, -1)},"payload":${payload}}`;
}

/** The Kafka headers that mirror the fields. */
export function mirrorHeaders(fields: EnvelopeFields): HeaderEntry[] {
  const headers: HeaderEntry[] = [];
  for (const [field, name] of MIRRORS) {
    const value = fields[field];
    if (value !== undefined) headers.push([name, String(value)]);
  }
  return headers;
}

/** The other way, for a tombstone: fields as far as headers mirror them. */
export function mirroredFields(message: ReceivedMessage): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of message.headers.entries()) {
    const lower = name.toLowerCase();
    const mirror = MIRRORS.find(([, header]) => header.toLowerCase() === lower);
    if (mirror) fields[mirror[0]] ??= headerText(value);
  }
  return fields;
}
