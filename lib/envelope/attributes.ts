import type { HeaderEntry } from '../transport/message.js';
import type { OutgoingEvent } from './envelope.js';
import { percentEncode } from './percent.js';

export type HeaderPrefix = 'ce_' | 'ce-';

/**
 * The CloudEvents attributes we write and read. Beyond the core ones, `partitionkey` (partitioning extension), `traceparent` and `tracestate` (distributed tracing),
 * `correlationid` and `causationid` (correlation) are documented extensions; `tenantid` and `dataversion` (version of the data's schema, a positive
 * integer) are ours, because there is none. Each has a place in the list that reading makes of them.
 */
export const PLACE_OF = {
  id: 0,
  source: 1,
  type: 2,
  time: 3,
  datacontenttype: 4,
  partitionkey: 5,
  traceparent: 6,
  tracestate: 7,
  correlationid: 8,
  causationid: 9,
  tenantid: 10,
  dataversion: 11,
  specversion: 12,
} as const;

export type Attribute = keyof typeof PLACE_OF;

export const CONTENT_TYPE = 'content-type';

type AttributeNames = Readonly<Record<Attribute, string>>;

const NAMES: Readonly<Record<HeaderPrefix, AttributeNames>> = { ce_: namesWith('ce_'), 'ce-': namesWith('ce-') };

function namesWith(prefix: HeaderPrefix): AttributeNames {
  return {
    id: `${prefix}id`,
    source: `${prefix}source`,
    type: `${prefix}type`,
    time: `${prefix}time`,
    // Kafka's binding maps the content type to a header of that name; NATS's keeps that name for structured mode.
    datacontenttype: prefix === 'ce_' ? CONTENT_TYPE : `${prefix}datacontenttype`,
    partitionkey: `${prefix}partitionkey`,
    traceparent: `${prefix}traceparent`,
    tracestate: `${prefix}tracestate`,
    correlationid: `${prefix}correlationid`,
    causationid: `${prefix}causationid`,
    tenantid: `${prefix}tenantid`,
    dataversion: `${prefix}dataversion`,
    specversion: `${prefix}specversion`,
  };
}

/**
 * An event's attributes and its own headers as they go over the wire. Attribute values are UTF-8 on Kafka and percent-encoded elsewhere, as the bindings
 * say. The trace context goes into plain `traceparent` and `tracestate` headers too, where other instrumentation looks for it.
 */
export function attributeHeaders(
  event: OutgoingEvent,
  prefix: HeaderPrefix,
  contentType: string | undefined,
): HeaderEntry[] {
  const names = NAMES[prefix];
  const write = prefix === 'ce-' ? percentEncode : asIs;
  const headers: HeaderEntry[] = [
    [names.specversion, '1.0'],
    [names.id, write(event.id)],
    [names.source, write(event.source ?? event.topic)],
    [names.type, write(event.type)],
  ];
  if (event.time !== undefined) headers.push([names.time, event.time]);
  if (contentType !== undefined) headers.push([names.datacontenttype, write(contentType)]);
  if (event.key !== undefined) headers.push([names.partitionkey, write(event.key)]);
  if (event.version !== undefined) headers.push([names.dataversion, String(event.version)]);
  if (event.tenantId !== undefined) headers.push([names.tenantid, write(event.tenantId)]);
  if (event.correlationId !== undefined) headers.push([names.correlationid, write(event.correlationId)]);
  if (event.causationId !== undefined) headers.push([names.causationid, write(event.causationId)]);
  if (event.traceparent !== undefined) headers.push([names.traceparent, write(event.traceparent)]);
  if (event.tracestate !== undefined) headers.push([names.tracestate, write(event.tracestate)]);
  return appendOwnHeaders(headers, event);
}

/**
 * Adds the application's headers, and the plain trace context where they do not hold it already.
 * @param taken names, in lower case, that the codec writes itself
 */
export function appendOwnHeaders(
  headers: HeaderEntry[],
  event: OutgoingEvent,
  taken?: ReadonlySet<string>,
): HeaderEntry[] {
  const own = event.headers;
  for (const name in own) if (!taken?.has(name.toLowerCase())) headers.push([name, own[name]!]);
  if (event.traceparent === undefined || own['traceparent'] !== undefined) return headers;
  headers.push(['traceparent', event.traceparent]);
  if (event.tracestate !== undefined) headers.push(['tracestate', event.tracestate]);
  return headers;
}

function asIs(value: string): string {
  return value;
}
