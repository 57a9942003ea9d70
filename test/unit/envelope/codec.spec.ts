import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventBusError } from '../../../lib/core/errors.js';
import { cloudEventsCodec } from '../../../lib/envelope/cloud-events.codec.js';
import { jsonEnvelopeCodec } from '../../../lib/envelope/json-envelope.codec.js';
import { nestCodec } from '../../../lib/envelope/nest.codec.js';
import { BROKERS, message, readAndDecode, roundTrip, thrownBy } from './messages.js';

const FACTORIES = [cloudEventsCodec(), jsonEnvelopeCodec(), nestCodec()];
const CASES = FACTORIES.flatMap((factory) => BROKERS.map(([broker, context]) => ({ factory, broker, context })));

const NAMES = ['ce-id', 'ce_id', 'ce-type', 'ce_type', 'ce-partitionkey', 'content-type', 'Nats-Msg-Id', 'X-Event-ID', '__proto__', 'constructor', 'x']; // prettier-ignore
const TYPES = ['application/json', 'text/plain', 'application/cloudevents+json', 'application/octet-stream', ';;=', ''];

const headerValue = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 30 }),
  fc.constantFrom(...TYPES, '%', '%ff', '"'),
);
const headers = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string()), headerValue), { maxLength: 8 });
const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.json().map((text) => Buffer.from(text)),
  fc.string().map((text) => Buffer.from(`{"event_id":"1","event_type":"t","data":${text}`)),
  fc.constant(null),
);
const headerName = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/).filter((name) => !/^(ce[-_]|nats-|content-type$|x-|trace)/i.test(name)); // prettier-ignore
const cleanValue = fc.string({ unit: 'binary' }).filter((text) => !/[\r\n\0]/.test(text) && text === text.trim());
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 });

describe.each(CASES)('the $factory.name codec over $broker', ({ factory, context }) => {
  const codec = factory.create(context);

  it('answers 1,000 random messages with a value or an EventBusError', () => {
    const messages = fc.record({ body, headers, key: fc.option(fc.uint8Array({ maxLength: 20 })) });
    fc.assert(
      fc.property(messages, (given) => {
        const incoming = { ...message(given.body, given.headers), key: given.key };
        const error = thrownBy(() => readAndDecode(codec, incoming));
        if (error !== undefined) expect(error).toBeInstanceOf(EventBusError);
        if (error !== undefined) expect(error).toMatchObject({ code: 'EVENT_BUS_DECODE_FAILED' });
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads the same metadata at every reading', () => {
    fc.assert(
      fc.property(body, headers, (bytes, given) => {
        const incoming = message(bytes, given);
        const error = thrownBy(() => codec.read(incoming));
        if (error === undefined) expect(codec.read(incoming)).toEqual(codec.read(incoming));
      }),
    );
  });

  it('gives back JSON data, key and headers as they were', () => {
    const options = fc.record({
      key: fc.string({ unit: 'binary', minLength: 1 }),
      type: name,
      tenantId: name,
      version: fc.integer({ min: 1 }),
      headers: fc.dictionary(headerName, cleanValue),
    });
    const data = fc.oneof(
      fc.object({ withNullPrototype: false }).map((value) => clean(value)),
      fc.array(fc.jsonValue()),
    );
    fc.assert(
      fc.property(data.map(clean), options, (value, given) => {
        const result = roundTrip(factory, context, value, given);
        expect(result.data).toEqual(value);
        expect(result.envelope).toMatchObject({ key: given.key, type: given.type, tenantId: given.tenantId });
        expect(result.envelope).toMatchObject({ version: given.version, id: result.event.id });
        expect({ ...result.envelope.headers }).toEqual({ ...result.event.headers });
      }),
    );
  });
});

/** Only what JSON has: -0 and the like gone. */
function clean(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part: unknown) => (key === '__proto__' ? undefined : part)));
}
