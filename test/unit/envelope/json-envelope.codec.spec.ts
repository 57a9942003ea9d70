import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { EventOptions } from '../../../lib/envelope/event-options.js';
import { jsonEnvelopeCodec } from '../../../lib/envelope/json-envelope.codec.js';
import { BROKERS, eventOf, KAFKA, message, NATS, readAndDecode, roundTrip, TOPIC } from './messages.js';

const PROGRAM = fileURLToPath(new URL('../../fixtures/go-envelope', import.meta.url));
const BODIES = join(PROGRAM, 'bodies');
const hasGo = spawnSync('go', ['version']).status === 0;
const GO_TIMEOUT_MS = 180_000;

const COMPLETE: EventOptions = { id: 'e-1', key: 'order-1', type: 'placed', version: 2, tenantId: 'acme' };
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACE = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

function go(...args: string[]): string {
  return goReading('', ...args);
}

function goReading(input: string, ...args: string[]): string {
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' };
  return execFileSync('go', ['run', '.', ...args], { cwd: PROGRAM, input, env, encoding: 'utf8' });
}

/** A body as the Go program wrote it, with its Kafka headers. */
function fixture(name: string) {
  const headers: Record<string, string> = JSON.parse(readFileSync(join(BODIES, `${name}.headers.json.golden`), 'utf8'));
  return message(readFileSync(join(BODIES, `${name}.json.golden`)), Object.entries(headers));
}

describe('jsonEnvelopeCodec, what goes over the wire', () => {
  it("writes the Go bus's envelope", () => {
    const event = eventOf(
      { a: 1 },
      { ...COMPLETE, time: '2026-03-04T05:06:07Z', causedBy: { id: 'c-1', traceparent: TRACE } },
    );
    expect(JSON.parse(String(jsonEnvelopeCodec().create(NATS).encode(event).body))).toEqual({
      event_id: 'e-1',
      aggregate_id: 'order-1',
      event_type: 'placed',
      event_version: 2,
      timestamp: '2026-03-04T05:06:07Z',
      trace_id: TRACE_ID,
      correlation_id: 'c-1',
      tenant_id: 'acme',
      payload: { a: 1 },
    });
  });

  it('leaves trace_id and correlation_id out when there is none', () => {
    const body: object = JSON.parse(String(jsonEnvelopeCodec().create(NATS).encode(eventOf(1, COMPLETE)).body));
    expect(Object.keys(body)).not.toContain('trace_id');
    expect(Object.keys(body)).not.toContain('correlation_id');
  });

  it('mirrors the fields in headers on Kafka, and on Kafka alone', () => {
    const event = eventOf(1, { ...COMPLETE, headers: { own: 'x', 'x-event-id': 'mine' }, causedBy: { id: 'c-1' } });
    expect(Object.fromEntries(jsonEnvelopeCodec().create(KAFKA).encode(event).headers)).toEqual({
      'X-Event-ID': 'e-1',
      'X-Aggregate-ID': 'order-1',
      'X-Event-Type': 'placed',
      'X-Event-Version': '2',
      'X-Correlation-ID': 'c-1',
      'X-Tenant-ID': 'acme',
      'X-Causation-ID': 'c-1',
      own: 'x',
    });
    expect(Object.fromEntries(jsonEnvelopeCodec().create(NATS).encode(event).headers)).toEqual({
      'X-Causation-ID': 'c-1',
      own: 'x',
    });
  });

  it.each([
    ['key', { ...COMPLETE, key: '' }, /aggregate_id/],
    ['version', { ...COMPLETE, version: undefined }, /event_version/],
    ['tenantId', { ...COMPLETE, tenantId: undefined }, /tenant_id/],
  ] as const)('refuses an event without %s, and says which field it would be', (field, options, why) => {
    expect(() => jsonEnvelopeCodec().create(KAFKA).encode(eventOf(1, options))).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_INVALID_EVENT', field, message: expect.stringMatching(why) }),
    );
  });

  it.each([
    ['bytes', Buffer.from('x'), COMPLETE],
    ['plain text', 'x', { ...COMPLETE, contentType: 'text/plain' }],
  ])('refuses %s', (_, data, options) => {
    expect(() => jsonEnvelopeCodec().create(KAFKA).encode(eventOf(data, options))).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_INVALID_EVENT', field: 'data' }),
    );
  });

  it('counts its own level of nesting', () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
    expect(roundTrip(jsonEnvelopeCodec(), KAFKA, nest(199), COMPLETE).data).toEqual(nest(199));
    expect(() => roundTrip(jsonEnvelopeCodec(), KAFKA, nest(200), COMPLETE)).toThrow(/nested deeper/);
  });
});

describe.each(BROKERS)('jsonEnvelopeCodec there and back over %s', (_, context) => {
  it('keeps what the envelope and the headers carry', () => {
    const causedBy = { id: 'c-1', correlationId: 'flow', traceparent: TRACE, tracestate: 'a=1' };
    const options = { ...COMPLETE, headers: { own: 'x' }, causedBy };
    const { event, envelope, data } = roundTrip(jsonEnvelopeCodec(), context, { a: 1 }, options);
    const { data: _data, headers: _headers, source: _source, ...metadata } = event;
    expect(envelope).toMatchObject({ ...metadata, contentType: 'application/json', headers: { own: 'x' } });
    expect(data).toEqual({ a: 1 });
  });

  it('carries null as a payload', () => {
    expect(roundTrip(jsonEnvelopeCodec(), context, null, COMPLETE).data).toBeNull();
  });

  it('passes a trace id without trace context through as a header', () => {
    const headers = { 'X-Trace-ID': TRACE_ID };
    const { envelope, incoming } = roundTrip(jsonEnvelopeCodec(), context, 1, { ...COMPLETE, headers });
    expect(JSON.parse(Buffer.from(incoming.body ?? []).toString())).toMatchObject({ trace_id: TRACE_ID });
    expect(envelope.headers).toMatchObject(headers);
  });
});

describe('jsonEnvelopeCodec on what Go wrote', () => {
  const codec = jsonEnvelopeCodec().create(KAFKA);

  it.each([
    [
      'minimal',
      {
        id: 'aggregate-0:TestEvent:1:1772600767123456789',
        key: 'aggregate-0',
        type: 'TestEvent',
        version: 1,
        tenantId: undefined,
        time: '2026-03-04T05:06:07.123456789Z',
      },
      { aggregate: 'aggregate-0', version: 1 },
    ],
    [
      'full',
      {
        id: '0195-full',
        key: 'order-7',
        type: 'orders.placed',
        version: 12,
        tenantId: 'acme',
        correlationId: 'checkout-1',
        headers: { 'X-Trace-ID': TRACE_ID },
      },
      { lines: [{ sku: 'a<b>&c', price: 12.5 }, null], paid: true },
    ],
    [
      'unicode',
      { key: 'Größe/€/😀', type: 'typ.ä', tenantId: 'müller "& Söhne"', time: '2026-03-04T07:06:07.123456789+02:00' },
      'line\u2028separator\0 😀',
    ],
    ['null-payload', { id: 'id-4', key: 'k' }, null],
  ] as const)('reads %s', (name, expected, payload) => {
    // prettier-ignore
    const { envelope, data } = readAndDecode(codec, fixture(name));
    expect(envelope).toMatchObject({ topic: TOPIC, ...expected });
    expect(data).toEqual(payload);
  });

  it("keeps mirrored headers out of the application's own", () => {
    expect(Object.keys(codec.read(fixture('unicode')).headers)).toEqual([]);
  });

  it('reads a tombstone by its mirrored headers', () => {
    const { envelope, data } = readAndDecode(codec, { ...fixture('full'), body: null });
    expect(data).toBeNull();
    expect(envelope).toMatchObject({ id: '0195-full', key: 'order-7', type: 'orders.placed', version: 12 });
  });

  it.each([
    ['a scalar', '1'],
    ['no event_id', '{"event_type":"t","payload":1}'],
    ['an event_id that is no text', '{"event_id":7,"event_type":"t"}'],
    ['no event_type', '{"event_id":"1","payload":1}'],
    ['truncated JSON', '{"event_id":'],
    ['an empty body', ''],
  ])('refuses %s', (_, body) => {
    expect(() => codec.read(message(body))).toThrow(expect.objectContaining({ code: 'EVENT_BUS_DECODE_FAILED' }));
  });
});

describe.skipIf(!hasGo)('jsonEnvelopeCodec with the Go program at hand', () => {
  it(
    'has fixtures that the program still writes byte for byte',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'go-envelope-'));
      try {
        go('write', folder);
        expect(readdirSync(folder)).toEqual(readdirSync(BODIES));
        for (const name of readdirSync(folder)) {
          expect(readFileSync(join(folder, name), 'utf8')).toBe(readFileSync(join(BODIES, name), 'utf8'));
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    GO_TIMEOUT_MS,
  );

  it(
    'writes what the program reads, strictly',
    () => {
      const codec = jsonEnvelopeCodec().create(KAFKA);
      const time = '2026-03-04T05:06:07.123456789Z';
      const causedBy = { id: 'c-1', traceparent: TRACE };
      const tenantId = 'müller "& Söhne"';
      const bodies = [
        eventOf({ a: [1, 'ö'] }, { ...COMPLETE, time, causedBy }),
        eventOf('x\u2028', { ...COMPLETE, time, tenantId, key: 'a.*>\n\0' }),
        eventOf(null, { ...COMPLETE, time: '2026-03-04T05:06:07+02:00' }),
      ].map((event) => codec.encode(event).body);
      const understood = goReading(`${bodies.join('\n')}\n`, 'read')
        .trimEnd()
        .split('\n');
      expect(understood.map((line) => JSON.parse(line) as unknown)).toEqual([
        ['e-1', 'order-1', 'placed', '2', time, TRACE_ID, 'c-1', 'acme', '{"a":[1,"ö"]}'],
        ['e-1', 'a.*>\n\0', 'placed', '2', time, '', '', tenantId, '"x\u2028"'],
        ['e-1', 'order-1', 'placed', '2', '2026-03-04T03:06:07Z', '', '', 'acme', 'null'],
      ]);
    },
    GO_TIMEOUT_MS,
  );
});
