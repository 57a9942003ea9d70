import { describe, expect, it } from 'vitest';
import { cloudEventsCodec } from '../../../lib/envelope/cloud-events.codec.js';
import type { HeaderEntry, ReceivedMessage } from '../../../lib/transport/message.js';
import { BROKERS, eventOf, KAFKA, message, NATS, readAndDecode, roundTrip, TOPIC } from './messages.js';

const CAUSE = {
  id: 'cause-1',
  correlationId: 'checkout-1',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  tracestate: 'vendor=1',
};
const EVERYTHING = {
  id: 'order-1:placed',
  key: 'Kunde 7/ä%',
  type: 'placed',
  version: 3,
  tenantId: 'Müller & "Söhne"',
  time: '2026-03-04T05:06:07.123456789Z',
  headers: { 'x-region': 'eu', 'x-name': 'Zoë' },
  causedBy: CAUSE,
};

describe('cloudEventsCodec, what goes over the wire', () => {
  it("maps attributes as Kafka's binding says: ce_ headers in UTF-8, the content type under its own name", () => {
    const { body, headers } = cloudEventsCodec()
      .create(KAFKA)
      .encode(eventOf({ a: 1 }, EVERYTHING));
    expect(body).toBe('{"a":1}');
    expect(Object.fromEntries(headers)).toEqual({
      ce_specversion: '1.0',
      ce_id: 'order-1:placed',
      ce_source: 'billing',
      ce_type: 'placed',
      ce_time: '2026-03-04T05:06:07.123456789Z',
      'content-type': 'application/json',
      ce_partitionkey: 'Kunde 7/ä%',
      ce_dataversion: '3',
      ce_tenantid: 'Müller & "Söhne"',
      ce_correlationid: 'checkout-1',
      ce_causationid: 'cause-1',
      ce_traceparent: CAUSE.traceparent,
      ce_tracestate: 'vendor=1',
      traceparent: CAUSE.traceparent,
      tracestate: 'vendor=1',
      'x-region': 'eu',
      'x-name': 'Zoë',
    });
  });

  it("maps attributes as NATS's binding says: ce- headers, percent-encoded, the content type among them", () => {
    const { headers } = cloudEventsCodec()
      .create(NATS)
      .encode(eventOf({ a: 1 }, EVERYTHING));
    expect(Object.fromEntries(headers)).toMatchObject({
      'ce-specversion': '1.0',
      'ce-id': 'order-1:placed',
      'ce-datacontenttype': 'application/json',
      'ce-partitionkey': 'Kunde%207/%C3%A4%25',
      'ce-tenantid': 'M%C3%BCller%20&%20%22S%C3%B6hne%22',
      'x-name': 'Zoë',
    });
    expect(headers.map(([name]) => name)).not.toContain('content-type');
  });
});

describe.each(BROKERS)('cloudEventsCodec there and back over %s', (_, context) => {
  it('keeps all metadata', () => {
    const { event, envelope } = roundTrip(cloudEventsCodec(), context, { a: 1 }, EVERYTHING);
    const { data: _data, headers, ...metadata } = event;
    expect(envelope).toMatchObject({ ...metadata, contentType: 'application/json' });
    expect(envelope.headers).toMatchObject(headers);
    expect(envelope).toMatchObject({ correlationId: 'checkout-1', causationId: 'cause-1', source: 'billing' });
  });

  it('keeps the absence of metadata', () => {
    const { envelope } = roundTrip(cloudEventsCodec(), context, 1);
    expect(envelope).toMatchObject({ type: TOPIC, key: undefined, version: undefined, tenantId: undefined });
    expect(envelope).toMatchObject({ correlationId: undefined, causationId: undefined, traceparent: undefined });
    expect(Object.keys(envelope.headers)).toEqual([]);
    expect(Object.getPrototypeOf(envelope.headers)).toBeNull();
  });

  it.each([
    ['an object', { a: [1, null, 'x', { b: true }] }],
    ['a string, as JSON', 'hi'],
    ['an empty string', ''],
    ['a number', 12.5],
    ['null', null],
    ['false', false],
  ])('delivers %s', (_name, data) => {
    expect(roundTrip(cloudEventsCodec(), context, data).data).toEqual(data);
  });

  it('delivers a Date as its ISO text', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    expect(roundTrip(cloudEventsCodec(), context, { at }).data).toEqual({ at: '2026-01-02T03:04:05.678Z' });
  });

  it("delivers bytes as a Buffer, and not the publisher's own", () => {
    const bytes = new Uint8Array([0, 255, 10, 13]);
    const { data, envelope, event } = roundTrip(cloudEventsCodec(), context, bytes);
    expect(data).toEqual(Buffer.from([0, 255, 10, 13]));
    expect(envelope.contentType).toBe('application/octet-stream');
    const encoded = cloudEventsCodec().create(context).encode(event);
    bytes[0] = 9;
    expect(encoded.body).toEqual(Buffer.from([0, 255, 10, 13]));
  });

  it.each(['text/plain', 'text/csv; charset=utf-8'])(
    'delivers text as text when the content type is %s',
    (contentType) => {
      const { data, envelope, incoming } = roundTrip(cloudEventsCodec(), context, 'a;ö\n', { contentType });
      expect(data).toBe('a;ö\n');
      expect(Buffer.from(incoming.body ?? [])).toEqual(Buffer.from('a;ö\n'));
      expect(envelope.contentType).toBe(contentType);
    },
  );

  it('writes text of any other content type as it is, to be read as bytes', () => {
    expect(roundTrip(cloudEventsCodec(), context, '<a/>', { contentType: 'application/xml' }).data).toEqual(
      Buffer.from('<a/>'),
    );
  });

  it.each(['application/vnd.acme.order+json', 'application/json; charset=utf-8'])(
    'treats %s as JSON',
    (contentType) => {
      expect(roundTrip(cloudEventsCodec(), context, { a: 1 }, { contentType }).data).toEqual({ a: 1 });
    },
  );

  it('refuses an object whose content type is text', () => {
    expect(() => roundTrip(cloudEventsCodec(), context, { a: 1 }, { contentType: 'text/plain' })).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_INVALID_EVENT', field: 'contentType' }),
    );
  });

  it('refuses text that UTF-8 cannot carry', () => {
    expect(() => roundTrip(cloudEventsCodec(), context, 'a\ud800', { contentType: 'text/plain' })).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' }),
    );
  });

  it('parses afresh at every decode', () => {
    const codec = cloudEventsCodec().create(context);
    const { incoming, envelope } = roundTrip(cloudEventsCodec(), context, { a: 1 });
    expect(codec.decode(incoming, envelope)).not.toBe(codec.decode(incoming, envelope));
  });

  it('refuses data deeper than its readers take', () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
    expect(roundTrip(cloudEventsCodec(), context, nest(200)).data).toEqual(nest(200));
    expect(() => roundTrip(cloudEventsCodec(), context, nest(201))).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' }),
    );
  });
});

/** The id of a message without one. */
function madeId(body: string, storedAt: number, headers: readonly HeaderEntry[] = []): string {
  return cloudEventsCodec()
    .create(NATS)
    .read({ ...message(body, headers), storedAt }).id;
}

function structured(event: unknown, contentType = 'application/cloudevents+json; charset=UTF-8'): ReceivedMessage {
  return message(JSON.stringify(event), [['Content-Type', contentType]]);
}

describe('cloudEventsCodec on messages of others', () => {
  const codec = cloudEventsCodec().create(NATS);

  it('writes null as a tombstone on Kafka alone, and reads one as null', () => {
    expect(cloudEventsCodec().create(KAFKA).encode(eventOf(null)).body).toBeNull();
    expect(codec.encode(eventOf(null)).body).toBe('null');
    expect(readAndDecode(codec, message(null)).data).toBeNull();
  });

  it('reads plain JSON without any header: the type is the topic', () => {
    const { envelope, data } = readAndDecode(codec, message('{"a":1}'));
    expect(data).toEqual({ a: 1 });
    expect(envelope).toMatchObject({ topic: TOPIC, type: TOPIC, source: undefined, time: undefined });
  });

  it('takes Nats-Msg-Id for the id when there is no other', () => {
    expect(codec.read(message('1', [['Nats-Msg-Id', 'n-1']])).id).toBe('n-1');
    expect(codec.read(message('1', [['Nats-Msg-Id', 'n-1'], ['ce-id', 'c-1']])).id).toBe('c-1'); // prettier-ignore
  });

  it('makes an id of the content: alike at a redelivery, another for another message', () => {
    expect(madeId('{"a":1}', 5)).toBe(madeId('{"a":1}', 5));
    expect(madeId('{"a":1}', 5)).toMatch(/^sha1-[0-9a-f]{40}$/);
    expect(new Set([madeId('1', 5), madeId('2', 5), madeId('1', 6), madeId('1', 5, [['a', 'b']])]).size).toBe(4);
  });

  it('compares the names of attributes without case', () => {
    const headers = [['Ce-Id', 'c-1'], ['CE-TYPE', 'x'], ['Content-Type', 'text/plain']] as const; // prettier-ignore
    const { envelope, data } = readAndDecode(codec, message('hi', headers));
    expect(envelope).toMatchObject({ id: 'c-1', type: 'x', contentType: 'text/plain' });
    expect(data).toBe('hi');
  });

  it('takes the first of several headers of a name', () => {
    const headers = [['x', '1'], ['x', '2'], ['ce-type', 'a'], ['ce-type', 'b']] as const; // prettier-ignore
    const envelope = codec.read(message('1', headers));
    expect(envelope.headers).toEqual(Object.assign(Object.create(null), { x: '1' }));
    expect(envelope.type).toBe('a');
  });

  it("keeps the headers of codec and broker out of the application's own", () => {
    const names = ['ce-id', 'ce-unknown', 'content-type', 'Nats-Msg-Id', 'Nats-Stream', 'x-own', 'cell', '__proto__'];
    const { headers } = codec.read(
      message(
        '1',
        names.map((name) => [name, 'v'] as const),
      ),
    );
    expect(Object.keys(headers)).toEqual(['x-own', 'cell', '__proto__']);
    expect(headers['__proto__']).toBe('v');
  });

  it('reads 1,000 headers', () => {
    const headers = Array.from({ length: 1_000 }, (_, i) => [`x-${i}`, String(i)] as const);
    expect(Object.keys(codec.read(message('1', headers)).headers)).toHaveLength(1_000);
  });

  it('passes a plain traceparent through, as header and as trace context', () => {
    const envelope = codec.read(message('1', [['traceparent', CAUSE.traceparent]]));
    expect(envelope.traceparent).toBe(CAUSE.traceparent);
    expect(envelope.headers['traceparent']).toBe(CAUSE.traceparent);
  });

  it("takes the broker's key before the partitionkey, and an empty one for none", () => {
    const keyed = (key: Uint8Array | null) => codec.read({ ...message('1', [['ce-partitionkey', 'p']]), key }).key;
    expect(keyed(Buffer.from('k'))).toBe('k');
    expect(keyed(null)).toBe('p');
    expect(keyed(Buffer.alloc(0))).toBe('p');
    expect(codec.read({ ...message('1'), key: Buffer.alloc(0) }).key).toBeUndefined();
  });

  it('tells keys that are not UTF-8 apart', () => {
    const [one, other] = [0xfe, 0xff].map((byte) => codec.read({ ...message('1'), key: Buffer.from([0, byte]) }).key);
    expect(one).not.toBe(other);
  });

  it('reads an empty body of a CloudEvent without content type as no data', () => {
    expect(readAndDecode(codec, message('', [['ce-id', '1'], ['ce-source', 's']])).data).toBeNull(); // prettier-ignore
  });

  it.each([
    ['that are not escaped', '100% sure', '100% sure'],
    ['in quotes', '"a \\"b\\""', 'a "b"'],
    ['with needless escapes', '%61%2f', 'a/'],
  ])('reads attribute values %s', (_, value, expected) => {
    expect(codec.read(message('1', [['ce-type', value]])).type).toBe(expected);
  });

  it.each([
    ['escapes that are not UTF-8', [['ce-type', '%C0%A0']]],
    ['an id with control characters', [['ce-id', 'a%0D%0Ab']]],
    ['an id without end', [['ce-id', 'a'.repeat(2_000)]]],
  ] as const)('refuses %s', (_, headers) => {
    expect(() => codec.read(message('1', headers))).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_DECODE_FAILED' }),
    );
  });

  it.each([
    ['an empty body', ''],
    ['truncated JSON', '{"a":'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['an unfinished UTF-8 sequence', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['a __proto__ key', '{"a":{"__proto__":{"x":1}}}'],
    ['an escaped __proto__ key', '{"\\u005f_proto__":1}'],
    ['a constructor with a prototype', '{"constructor":{"prototype":{}}}'],
    ['JSON nested 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['JSON that opens 100,000 objects', '{"a":'.repeat(100_000)],
    ['a body over the limit', JSON.stringify('a'.repeat(1_000_000))],
  ])('refuses %s', (_, body) => {
    expect(() => readAndDecode(codec, message(body))).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_DECODE_FAILED', name: 'EnvelopeDecodeError' }),
    );
  });

  it("names the parser's own error as the cause", () => {
    expect(() => readAndDecode(codec, message('{"a":'))).toThrow(
      expect.objectContaining({ cause: expect.any(SyntaxError) }),
    );
  });

  it('takes what merely looks dangerous', () => {
    const body = { constructor: 1, text: '"__proto__":{', deep: '['.repeat(1_000) };
    expect(readAndDecode(codec, message(JSON.stringify(body))).data).toEqual(body);
  });

  it.each(['text/plain; charset=iso-8859-1', 'application/protobuf', 'application/cloudevents+avro'])(
    'hands %s over as bytes',
    (contentType) => {
      const body = Buffer.from([0xe4, 0x00]);
      expect(readAndDecode(codec, message(body, [['content-type', contentType]])).data).toEqual(body);
    },
  );
});

describe('cloudEventsCodec on structured mode', () => {
  const codec = cloudEventsCodec().create(NATS);
  const ATTRIBUTES = { specversion: '1.0', id: 's-1', source: '/shop', type: 'placed' };

  it.each(['application/cloudevents+json; charset=UTF-8', 'application/cloudevents', 'Application/CloudEvents+JSON'])(
    'reads %s',
    (contentType) => {
      const event = { ...ATTRIBUTES, partitionkey: 'k', tenantid: 't', dataversion: 2, time: 'now', data: { a: 1 } };
      const { envelope, data } = readAndDecode(codec, structured(event, contentType));
      expect(data).toEqual({ a: 1 });
      expect(envelope).toMatchObject({
        id: 's-1',
        source: '/shop',
        type: 'placed',
        key: 'k',
        tenantId: 't',
        version: 2,
      });
    },
  );

  it('reads base64 data as bytes, and as JSON where it is', () => {
    const data_base64 = Buffer.from('{"a":1}').toString('base64');
    expect(readAndDecode(codec, structured({ ...ATTRIBUTES, data_base64 })).data).toEqual(Buffer.from('{"a":1}'));
    const json = { ...ATTRIBUTES, datacontenttype: 'application/json', data_base64 };
    expect(readAndDecode(codec, structured(json)).data).toEqual({ a: 1 });
  });

  it('reads an event without data as null', () => {
    expect(readAndDecode(codec, structured(ATTRIBUTES)).data).toBeNull();
  });

  it.each([[[]], [1], ['x'], [null]])('refuses a body that is no event: %j', (body) => {
    expect(() => codec.read(structured(body))).toThrow(expect.objectContaining({ code: 'EVENT_BUS_DECODE_FAILED' }));
  });

  it('refuses batches', () => {
    const batch = structured([ATTRIBUTES], 'application/cloudevents-batch+json');
    expect(() => readAndDecode(codec, batch)).toThrow(expect.objectContaining({ code: 'EVENT_BUS_DECODE_FAILED' }));
  });
});
