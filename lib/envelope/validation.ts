import { uuidv7 } from 'uuidv7';
import { bodyKind } from './content-type.js';
import { DataNotSerializableError, InvalidEventError, InvalidHeaderError, InvalidKeyError } from './envelope.errors.js';
import type { OutgoingEvent } from './envelope.js';
import type { EventDefaults } from './event-defaults.js';
import type { Cause, EventOptions } from './event-options.js';
import { assertHeaderTotals, assertHeaderValue } from './header-rules.js';
import { bareRecord, EMPTY_RECORD, isObject } from './records.js';
import { hasControl, hasOuterSpace, isPrintableAscii, isWellFormed } from './text.js';

/** Longest id a publisher may give, in characters. */
export const MAX_ID_LENGTH = 256;
/** Longest type, tenantId and content type, in characters. */
export const MAX_NAME_LENGTH = 1_000;

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const MAX_TRACE_LENGTH = 8_192;
const NO_OPTIONS: EventOptions = Object.freeze({});

/**
 * An event to publish: everything its publisher said is checked, everything else filled in. Whether the data can be written shows when a codec encodes it.
 * @throws InvalidTopicError, InvalidKeyError, InvalidHeaderError, InvalidEventError, DataNotSerializableError (no data)
 */
export function createEvent(
  topic: string,
  data: unknown,
  options: EventOptions | undefined,
  defaults: EventDefaults,
): OutgoingEvent {
  defaults.assertTopic(topic);
  if (data === undefined) throw new DataNotSerializableError('data', 'is undefined: publish null for an event without');
  const given = options ?? NO_OPTIONS;
  const headers = given.headers === undefined ? EMPTY_RECORD : checkedHeaders(given.headers, defaults);
  const { causedBy } = given;
  if (causedBy !== undefined) assertCause(causedBy);
  const traceparent = checkedTrace(headers['traceparent'] ?? causedBy?.traceparent);
  return {
    topic,
    data,
    id: given.id === undefined ? uuidv7() : checkedId(given.id),
    type: given.type === undefined ? topic : checkedName('type', given.type),
    source: defaults.source,
    version: given.version === undefined ? undefined : checkedVersion(given.version),
    key: given.key === undefined ? undefined : checkedKey(given.key),
    time: given.time === undefined ? defaults.time() : checkedTime(given.time),
    tenantId: given.tenantId === undefined ? undefined : checkedName('tenantId', given.tenantId),
    correlationId: causedBy === undefined ? undefined : (causedBy.correlationId ?? causedBy.id),
    causationId: causedBy?.id,
    traceparent,
    tracestate: traceparent === undefined ? undefined : checkedState(headers, causedBy),
    contentType: given.contentType === undefined ? undefined : checkedContentType(given.contentType),
    headers,
  };
}

function checkedHeaders(given: unknown, defaults: EventDefaults): Readonly<Record<string, string>> {
  if (!isObject(given)) throw new InvalidHeaderError('*', 'headers must be an object');
  const names = Object.keys(given);
  const headers = bareRecord();
  let characters = 0;
  for (const name of names) {
    const value = given[name];
    defaults.assertHeaderName(name);
    assertHeaderValue(name, value);
    headers[name] = value;
    characters += name.length + value.length;
  }
  assertHeaderTotals(names.length, characters);
  return headers;
}

function checkedId(id: unknown): string {
  if (typeof id !== 'string') throw new InvalidEventError('id', `must be a string, it is a ${typeof id}`);
  if (id.length === 0 || id.length > MAX_ID_LENGTH) {
    throw new InvalidEventError('id', `must have 1 to ${MAX_ID_LENGTH} characters, it has ${id.length}`);
  }
  if (!isPrintableAscii(id)) throw new InvalidEventError('id', 'must be printable ASCII');
  if (hasOuterSpace(id)) throw new InvalidEventError('id', 'must not begin or end with a space');
  return id;
}

function checkedKey(key: unknown): string | undefined {
  if (typeof key !== 'string') throw new InvalidKeyError(`it must be a string, it is a ${typeof key}`);
  if (!isWellFormed(key)) throw new InvalidKeyError('it has a lone surrogate');
  return key === '' ? undefined : key;
}

function checkedName(field: string, value: unknown): string {
  if (typeof value !== 'string') throw new InvalidEventError(field, `must be a string, it is a ${typeof value}`);
  if (value.length === 0 || value.length > MAX_NAME_LENGTH) {
    throw new InvalidEventError(field, `must have 1 to ${MAX_NAME_LENGTH} characters, it has ${value.length}`);
  }
  if (hasControl(value) || !isWellFormed(value)) {
    throw new InvalidEventError(field, 'must not have control characters or lone surrogates');
  }
  return value;
}

function checkedContentType(value: unknown): string {
  const contentType = checkedName('contentType', value);
  const kind = bodyKind(contentType);
  if (kind === 'structured' || kind === 'batch') {
    throw new InvalidEventError('contentType', 'says what the data is, and cannot be a whole CloudEvent');
  }
  return contentType;
}

function checkedVersion(version: unknown): number {
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 0) return version;
  throw new InvalidEventError('version', `must be a positive integer, it is ${String(version).slice(0, 100)}`);
}

function checkedTime(time: unknown): string {
  if (time instanceof Date && !Number.isNaN(time.getTime())) return time.toISOString();
  if (typeof time === 'string' && RFC_3339.test(time) && !Number.isNaN(Date.parse(time))) return time;
  throw new InvalidEventError('time', `must be a valid Date or RFC 3339 text, it is ${String(time).slice(0, 100)}`);
}

function assertCause(cause: Cause): void {
  if (typeof cause.id !== 'string') throw new InvalidEventError('causedBy', 'must be an event: it has no id');
  if (isWellFormed(cause.id) && isWellFormed(cause.correlationId ?? '')) return;
  throw new InvalidEventError('causedBy', 'has a lone surrogate in its id or correlation id');
}

/** A trace context that is none came from outside, and is no reason to refuse an event: it is left out. */
function checkedTrace(traceparent: string | undefined): string | undefined {
  return traceparent !== undefined && TRACEPARENT.test(traceparent) && isCarried(traceparent) ? traceparent : undefined;
}

function checkedState(headers: Readonly<Record<string, string>>, cause: Cause | undefined): string | undefined {
  const state = headers['traceparent'] === undefined ? cause?.tracestate : headers['tracestate'];
  return state !== undefined && isCarried(state) ? state : undefined;
}

function isCarried(text: string): boolean {
  return text.length > 0 && text.length <= MAX_TRACE_LENGTH && isPrintableAscii(text) && !hasOuterSpace(text);
}
