import { describe, expect, it } from 'vitest';
import { EventDefaults } from '../../../lib/envelope/event-defaults.js';
import type { EventOptions } from '../../../lib/envelope/event-options.js';
import { createEvent } from '../../../lib/envelope/validation.js';
import { eventOf, TOPIC } from './messages.js';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** Options as untyped callers give them. */
function loose(options: Record<string, unknown>): EventOptions {
  return options;
}

describe('createEvent', () => {
  it('fills in what the publisher does not say', () => {
    const event = createEvent(TOPIC, 1, undefined, new EventDefaults('billing', () => 1_000));
    expect(event).toMatchObject({ topic: TOPIC, data: 1, type: TOPIC, source: 'billing', key: undefined });
    expect(event.time).toBe('1970-01-01T00:00:01.000Z');
    expect(event.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('follows the clock', () => {
    let now = 1_000;
    const defaults = new EventDefaults('billing', () => now);
    const times = [1_000, 1_000, 2_000].map((at) => {
      now = at;
      return createEvent(TOPIC, 1, undefined, defaults).time;
    });
    expect(times).toEqual(['1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.000Z', '1970-01-01T00:00:02.000Z']);
  });

  it.each([
    ['a key of 10,000 characters', { key: 'k'.repeat(10_000) }, { key: 'k'.repeat(10_000) }],
    ['a key with dots, spaces, wildcards and line ends', { key: 'a.b *>\r\n' }, { key: 'a.b *>\r\n' }],
    ['an empty key, as none', { key: '' }, { key: undefined }],
    ['a Date as time', { time: new Date(0) }, { time: '1970-01-01T00:00:00.000Z' }],
    ['RFC 3339 text as time, as it is', { time: '2026-01-01T00:00:00+02:00' }, { time: '2026-01-01T00:00:00+02:00' }],
    ['an id of printable ASCII', { id: 'a:1 ~' }, { id: 'a:1 ~' }],
    ['a non-ASCII header', { headers: { name: 'Zoë €' } }, { headers: { name: 'Zoë €' } }],
    ['an empty header', { headers: { name: '' } }, { headers: { name: '' } }],
    ['options that are undefined', { id: undefined, key: undefined, headers: undefined }, { key: undefined }],
  ] as const)('takes %s', (_, options, expected) => {
    expect(eventOf(1, options)).toMatchObject(expected);
  });

  it.each([
    ['EVENT_BUS_INVALID_KEY', { key: 7 }, /string/],
    ['EVENT_BUS_INVALID_KEY', { key: null }, /string/],
    ['EVENT_BUS_INVALID_KEY', { key: 'a\ud800' }, /surrogate/],
    ['EVENT_BUS_INVALID_EVENT', { id: '' }, /^EVENT_BUS_INVALID_EVENT: id .*1 to 256/],
    ['EVENT_BUS_INVALID_EVENT', { id: 'x'.repeat(257) }, /id .*257/],
    ['EVENT_BUS_INVALID_EVENT', { id: 'a\r\nb' }, /id .*ASCII/],
    ['EVENT_BUS_INVALID_EVENT', { id: 'ä' }, /id .*ASCII/],
    ['EVENT_BUS_INVALID_EVENT', { id: ' a' }, /id .*space/],
    ['EVENT_BUS_INVALID_EVENT', { id: 5 }, /id .*string/],
    ['EVENT_BUS_INVALID_EVENT', { type: '' }, /type /],
    ['EVENT_BUS_INVALID_EVENT', { type: 'a\n' }, /type .*control/],
    ['EVENT_BUS_INVALID_EVENT', { tenantId: 'x'.repeat(1_001) }, /tenantId .*1001/],
    ['EVENT_BUS_INVALID_EVENT', { tenantId: 'a\ud800' }, /tenantId .*surrogate/],
    ['EVENT_BUS_INVALID_EVENT', { version: 0 }, /version .*positive/],
    ['EVENT_BUS_INVALID_EVENT', { version: 1.5 }, /version /],
    ['EVENT_BUS_INVALID_EVENT', { version: '1' }, /version /],
    ['EVENT_BUS_INVALID_EVENT', { time: new Date(Number.NaN) }, /time .*Invalid Date/],
    ['EVENT_BUS_INVALID_EVENT', { time: 'yesterday' }, /time .*RFC 3339/],
    ['EVENT_BUS_INVALID_EVENT', { time: '2026-13-41T00:00:00Z' }, /time /],
    ['EVENT_BUS_INVALID_EVENT', { time: 5 }, /time /],
    ['EVENT_BUS_INVALID_EVENT', { contentType: 'application/cloudevents+json' }, /contentType /],
    ['EVENT_BUS_INVALID_EVENT', { contentType: 'text/plain\r\nx: y' }, /contentType .*control/],
    ['EVENT_BUS_INVALID_EVENT', { causedBy: {} }, /causedBy .*no id/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { 'a b': '1' } }, /"a b".*token/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { '': '1' } }, /token/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { 'a:b': '1' } }, /token/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { ä: '1' } }, /token/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { 'ce-id': '1' } }, /reserved/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { CE_id: '1' } }, /reserved/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { 'nats-Msg-Id': '1' } }, /reserved/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { 'Content-Type': 'x' } }, /content type/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: '1\r\nb: 2' } }, /"a".*CR, LF or NUL/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: '1\n' } }, /CR, LF or NUL/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: '1\0' } }, /CR, LF or NUL/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: ' 1' } }, /white space/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: '\udfff' } }, /surrogate/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: 1 } }, /string/],
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: undefined } }, /string/],
    ['EVENT_BUS_INVALID_HEADER', { headers: 'x' }, /object/],
    ['EVENT_BUS_INVALID_HEADER', { headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`h${i}`, ''])) }, /1000/], // prettier-ignore
    ['EVENT_BUS_INVALID_HEADER', { headers: { a: 'x'.repeat(70_000) } }, /70001/],
  ])('refuses with %s: %j', (code, options, message) => {
    expect(() => eventOf(1, loose(options))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message), retryable: false }),
    );
  });

  it('refuses a header again that it has refused once', () => {
    const defaults = new EventDefaults('billing');
    const attempt = () => createEvent(TOPIC, 1, { headers: { 'ce-id': '1' } }, defaults);
    expect(attempt).toThrow(/reserved/);
    expect(attempt).toThrow(/reserved/);
  });

  it.each(['', 'a..b', 'a b', 'a.*', '>', 'ä', 'x'.repeat(250)])('refuses the topic %j', (topic) => {
    expect(() => createEvent(topic, 1, undefined, new EventDefaults('billing'))).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_INVALID_TOPIC' }),
    );
  });

  it('refuses data that is undefined', () => {
    expect(() => eventOf(undefined)).toThrow(expect.objectContaining({ code: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' }));
  });

  it('keeps checking right after more topics and headers than it remembers', () => {
    const defaults = new EventDefaults('billing');
    for (let i = 0; i < 2_500; i++) createEvent(`t.${i}`, 1, { headers: { [`h${i}`]: 'x' } }, defaults);
    expect(createEvent('t.1', 1, { headers: { h1: 'x' } }, defaults).topic).toBe('t.1');
    expect(() => createEvent('t..1', 1, undefined, defaults)).toThrow(/empty token/);
  });

  it('gives headers no prototype', () => {
    const { headers } = eventOf(1, { headers: JSON.parse('{"__proto__":"x"}') });
    expect(Object.getPrototypeOf(headers)).toBeNull();
    expect(headers['__proto__']).toBe('x');
  });
});

describe('createEvent, caused by another event', () => {
  it('carries correlation, causation and trace context on', () => {
    const causedBy = { id: 'c-1', correlationId: 'flow-1', traceparent: TRACE, tracestate: 'a=1' };
    expect(eventOf(1, { causedBy })).toMatchObject({
      correlationId: 'flow-1',
      causationId: 'c-1',
      traceparent: TRACE,
      tracestate: 'a=1',
    });
  });

  it("begins a correlation with the cause's id when it has none", () => {
    expect(eventOf(1, { causedBy: { id: 'c-1' } })).toMatchObject({ correlationId: 'c-1', causationId: 'c-1' });
  });

  it('takes a traceparent among the headers for the trace context, whole', () => {
    const causedBy = { id: 'c-1', traceparent: TRACE, tracestate: 'a=1' };
    const own = TRACE.replace('00f0', '11f1');
    expect(eventOf(1, { causedBy, headers: { traceparent: own } })).toMatchObject({
      traceparent: own,
      tracestate: undefined,
    });
  });

  it.each(['garbage', `${TRACE}-\r\nx: y`, `${TRACE}-${'a'.repeat(9_000)}`])(
    'leaves a trace context out that is none: %j',
    (traceparent) => {
      const event = eventOf(1, { causedBy: { id: 'c-1', traceparent, tracestate: 'a=1' } });
      expect(event).toMatchObject({ traceparent: undefined, tracestate: undefined, causationId: 'c-1' });
    },
  );

  it('leaves a trace state out that no header can hold', () => {
    const event = eventOf(1, { causedBy: { id: 'c-1', traceparent: TRACE, tracestate: 'a=1\r\nx: y' } });
    expect(event).toMatchObject({ traceparent: TRACE, tracestate: undefined });
  });
});
