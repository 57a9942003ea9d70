import { headers as natsHeaders } from '@nats-io/transport-node';
import { KafkaRequestDeserializer, NatsRecordBuilder, NatsRequestJSONDeserializer } from '@nestjs/microservices';
import { KafkaParser } from '@nestjs/microservices/helpers/kafka-parser.js';
import { KafkaRequestSerializer } from '@nestjs/microservices/serializers/kafka-request.serializer.js';
import { NatsRecordSerializer } from '@nestjs/microservices/serializers/nats-record.serializer.js';
import { describe, expect, it } from 'vitest';
import { nestCodec } from '../../../lib/envelope/nest.codec.js';
import type { HeaderEntry, ReceivedMessage } from '../../../lib/transport/message.js';
import { BROKERS, eventOf, KAFKA, message, NATS, readAndDecode, roundTrip, TOPIC } from './messages.js';

/** What ClientNats puts on the wire for `emit(TOPIC, data)`. */
function emittedOnNats(data: unknown): ReceivedMessage {
  const packet: NatsPacket = new NatsRecordSerializer().serialize({ pattern: TOPIC, data });
  const entries = [...(packet.headers ?? [])].flatMap(([name, values]) => values.map((v): HeaderEntry => [name, v]));
  return message(packet.data, entries);
}

interface NatsPacket {
  readonly data: string;
  readonly headers?: Iterable<[string, string[]]>;
}

/** What ClientKafka puts on the wire for `emit(TOPIC, data)`. */
function emittedOnKafka(data: unknown): ReceivedMessage {
  const { key, value, headers }: KafkaRecord = new KafkaRequestSerializer().serialize(data);
  return {
    ...message(
      value === null ? null : Buffer.from(value),
      Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const),
    ),
    key: key === undefined ? null : Buffer.from(key),
  };
}

interface KafkaRecord {
  readonly key?: string;
  readonly value: string | Buffer | null;
  readonly headers: Record<string, string>;
}

describe('nestCodec on what ClientNats emits', () => {
  const codec = nestCodec().create(NATS);

  it.each([
    ['an object', { a: [1, 'ö', null] }],
    ['a string', 'text'],
    ['a number', 5],
    ['null', null],
    ['undefined', undefined],
    ['an object that looks like a packet', { pattern: 'x', data: 1 }],
  ])('reads %s', (_, data) => {
    expect(readAndDecode(codec, emittedOnNats(data)).data).toEqual(data);
  });

  it('reads a record with its headers', () => {
    const headers = natsHeaders();
    headers.append('x-version', '1');
    const { data, envelope } = readAndDecode(
      codec,
      emittedOnNats(new NatsRecordBuilder({ a: 1 }).setHeaders(headers).build()),
    );
    expect(data).toEqual({ a: 1 });
    expect(envelope).toMatchObject({ type: TOPIC, headers: { 'x-version': '1' } });
    expect(envelope.id).toMatch(/^sha1-/);
  });

  it.each([
    ['{"a":1}', { a: 1 }],
    ['[1]', [1]],
    ['"x"', 'x'],
    ['0', 0],
    ['null', null],
  ])('takes %s, which is no packet, for the data, as Nest does', (body, expected) => {
    expect(readAndDecode(codec, message(body)).data).toEqual(expected);
  });

  it.each([['', 'x', '{"pattern":', '{"data":{"__proto__":{}}}', '['.repeat(100_000)]].flat().map((body) => [body]))(
    'refuses %.20j',
    (body) => {
      expect(() => readAndDecode(codec, message(body))).toThrow(
        expect.objectContaining({ code: 'EVENT_BUS_DECODE_FAILED' }),
      );
    },
  );
});

describe('nestCodec on what ClientKafka emits', () => {
  const codec = nestCodec().create(KAFKA);

  it.each([
    ['an object', { a: [1, 'ö', null] }, { a: [1, 'ö', null] }],
    ['an array', [1, 2], [1, 2]],
    ['a string', 'text', 'text'],
    ['a string that begins like JSON', '{not json', '{not json'],
    ['a number, as text', 5, '5'],
    ['undefined, as a tombstone', undefined, null],
    ['bytes that begin with zero', Buffer.from([0, 65]), Buffer.from([0, 65])],
    ['bytes that are not UTF-8', Buffer.from([1, 0xff]), Buffer.from([1, 0xff])],
    ['an empty string', '', ''],
  ])('reads %s', (_, emitted, expected) => {
    expect(readAndDecode(codec, emittedOnKafka(emitted)).data).toEqual(expected);
  });

  it('reads a record with key and headers', () => {
    const emitted = emittedOnKafka({ key: 'order-1', value: { a: 1 }, headers: { 'x-version': '1' } });
    const { data, envelope } = readAndDecode(codec, emitted);
    expect(data).toEqual({ a: 1 });
    expect(envelope).toMatchObject({ key: 'order-1', type: TOPIC, headers: { 'x-version': '1' } });
  });

  it.each([
    ['a __proto__ key', '{"a":{"__proto__":{}}}'],
    ['JSON nested 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['invalid UTF-8 that begins like JSON', Buffer.from([0x7b, 0xff])],
  ])('refuses %s', (_, body) => {
    expect(() => readAndDecode(codec, message(body))).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_DECODE_FAILED' }),
    );
  });
});

describe("nestCodec's events at Nest's stock servers", () => {
  const DATA = { a: [1, 'ö', null] };

  it.each([
    ['an object', DATA],
    ['a string', 'text'],
    ['a number', 5],
    ['null', null],
  ])('are read on NATS: %s', (_, data) => {
    // prettier-ignore
    const { body } = nestCodec().create(NATS).encode(eventOf(data));
    const read = new NatsRequestJSONDeserializer().deserialize({
      json: () => JSON.parse(String(body)) as unknown,
    });
    expect(read).toEqual({ pattern: TOPIC, data });
    expect(body).toBe(new NatsRecordSerializer().serialize({ pattern: TOPIC, data }).data);
  });

  it.each([
    ['an object', DATA],
    ['a string', 'text'],
    ['null', null],
    ['bytes', Buffer.from([0, 1])],
  ])(
    // prettier-ignore
    'are read on Kafka: %s',
    async (_, data) => {
      const { body } = nestCodec().create(KAFKA).encode(eventOf(data));
      const raw = { value: body === null ? null : Buffer.from(body), headers: {} };
      const parsed = new KafkaParser({}).parse<{ value: unknown }>(raw);
      const read = await new KafkaRequestDeserializer().deserialize(parsed, { channel: TOPIC });
      // A null value makes Nest hand over the whole record: its own reading of a tombstone.
      expect(read.data).toEqual(data === null ? parsed : data);
    },
  );
});

describe.each(BROKERS)('nestCodec there and back over %s', (_, context) => {
  it('keeps all metadata, in headers that Nest passes over', () => {
    const options = { id: 'e-1', key: 'k', type: 'placed', version: 2, tenantId: 'acme', headers: { own: 'x' } };
    const { event, envelope, data } = roundTrip(
      nestCodec(),
      context,
      { a: 1 },
      { ...options, causedBy: { id: 'c-1' } },
    );
    const { data: _data, headers: _headers, ...metadata } = event;
    expect(envelope).toMatchObject({ ...metadata, headers: { own: 'x' } });
    expect(data).toEqual({ a: 1 });
  });

  it('refuses content types other than JSON', () => {
    expect(() => roundTrip(nestCodec(), context, 'x', { contentType: 'text/plain' })).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_INVALID_EVENT', field: 'contentType' }),
    );
  });
});

it('refuses bytes in a packet', () => {
  expect(() =>
    nestCodec()
      .create(NATS)
      .encode(eventOf(Buffer.from('x'))),
  ).toThrow(expect.objectContaining({ code: 'EVENT_BUS_INVALID_EVENT', field: 'data' }));
});
