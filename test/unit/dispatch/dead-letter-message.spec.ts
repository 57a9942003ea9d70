import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventBusError } from '../../../lib/core/errors.js';
import { assertTopic } from '../../../lib/core/pattern.js';
import type { DeadLetter } from '../../../lib/dispatch/dead-letter.js';
import { readDeadLetterHeaders } from '../../../lib/dispatch/dead-letter.headers.js';
import { deadLetterMessage } from '../../../lib/dispatch/dead-letter-message.js';
import { HeaderList } from '../../../lib/transport/message.js';
import type { HeaderEntry, ReceivedMessage } from '../../../lib/transport/message.js';
import { FakeSource } from './support/fakes.js';

function letterOf(overrides: Partial<DeadLetter> = {}, message: Partial<ReceivedMessage> = {}): DeadLetter {
  const delivery = new FakeSource().next();
  return {
    delivery: { ...delivery, position: { partition: 2, offset: 1234 }, message: { ...delivery.message, ...message } },
    group: 'billing',
    handler: 'Ledger.onPlaced',
    eventId: 'e1',
    eventType: 'placed',
    key: 'k',
    attempts: 10,
    error: new Error('no'),
    time: Date.UTC(2025, 0, 2),
    ...overrides,
  };
}

/** What NATS and Kafka both keep as it is. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const isSafe = ([name, value]: HeaderEntry): boolean => {
  const text = Buffer.from(value).toString('utf8');
  return (
    NAME.test(name) &&
    !name.toLowerCase().startsWith('nats-') &&
    !/\p{Cc}/u.test(text.replaceAll(/[\u0080-\u009f]/g, '')) &&
    text === text.trim()
  );
};

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('a\r\nb', '\0', ' x ', '%41', 'é', ''),
);
const hostileName = fc.oneof(
  hostileText,
  fc.constantFrom('Nats-Msg-Id', 'nats-expected-stream', 'eb-dead-topic', 'eb-dead-header-0', 'ce_id', 'x'),
);

const raw = (entries: readonly HeaderEntry[] = []): string[][] =>
  entries.map(([name, value]) => [name, Buffer.from(value).toString('latin1')]);

const topicOf = (topic: string): string => deadLetterMessage(letterOf({}, { topic })).topic;

describe('deadLetterMessage', () => {
  it('goes to dead.<group>.<topic> under an id of its own, with key, bytes and headers as they came', () => {
    const body = Buffer.from([0, 255, 1]);
    const message = deadLetterMessage(
      letterOf(
        {},
        {
          body,
          headers: new HeaderList([
            ['ce_id', 'e1'],
            ['x', 'é'],
            ['x', 'again'],
          ]),
        },
      ),
    );
    expect(message).toMatchObject({
      topic: 'dead.billing.orders.placed',
      id: 'e1:billing:Ledger.onPlaced:2@1234:dead',
      key: 'k',
      dead: true,
    });
    expect(message.body).toBe(body);
    expect(message.headers.slice(0, 3)).toEqual([
      ['ce_id', 'e1'],
      ['x', 'é'],
      ['x', 'again'],
    ]);
  });

  it('tells its whole history', () => {
    const error = new EventBusError('EVENT_BUS_HANDLER_TIMEOUT', 'too slow');
    const history = readDeadLetterHeaders(deadLetterMessage(letterOf({ error })).headers);
    expect(history).toEqual({
      topic: 'orders.placed',
      group: 'billing',
      handler: 'Ledger.onPlaced',
      eventId: 'e1',
      eventType: 'placed',
      key: 'k',
      position: { partition: 2, offset: 1234 },
      attempts: 10,
      error: { class: 'EventBusError', code: 'EVENT_BUS_HANDLER_TIMEOUT', message: error.message, stack: error.stack },
      time: '2025-01-02T00:00:00.000Z',
      headers: [['id', 'e1']],
    });
  });

  it('has another id than that of another event to which its sender gave the same id', () => {
    const letter = letterOf({});
    const later = { ...letter, delivery: { ...letter.delivery, position: { partition: 2, offset: 1235 } } };
    expect(deadLetterMessage(later).id).not.toBe(deadLetterMessage(letter).id);
  });

  it('has an id made from its place when the event has none that could be read, always the same', () => {
    const letter = letterOf({ eventId: undefined, handler: 'none' });
    expect(deadLetterMessage(letter).id).toBe('orders.placed:2@1234:billing:none:dead');
    const onStream = { ...letter, delivery: { ...letter.delivery, position: { stream: 'ORDERS', sequence: 55 } } };
    expect(deadLetterMessage(onStream).id).toBe('orders.placed:ORDERS@55:billing:none:dead');
    expect(readDeadLetterHeaders(deadLetterMessage(onStream).headers)?.position).toEqual({
      stream: 'ORDERS',
      sequence: 55,
    });
  });

  it('renames what a broker would take for an order, and gives it back as it was', () => {
    const headers: HeaderEntry[] = [
      ['Nats-Msg-Id', 'e1'],
      ['nats-expected-stream', 'X'],
      ['eb-dead-topic', 'mine'],
    ];
    const message = deadLetterMessage(letterOf({}, { headers: new HeaderList(headers) }));
    expect(message.headers.filter(([name]) => /^nats-/i.test(name))).toEqual([]);
    expect(readDeadLetterHeaders(message.headers)?.headers).toEqual(headers);
    expect(readDeadLetterHeaders(message.headers)?.topic).toBe('orders.placed');
  });

  it('keeps a key that is not text, and a tombstone', () => {
    const key = Buffer.from([0xff, 0xfe, 0x00]);
    const message = deadLetterMessage(letterOf({ key: undefined }, { key, body: null }));
    expect(message.key).toBeUndefined();
    expect(message.body).toBeNull();
    expect(readDeadLetterHeaders(message.headers)?.key).toEqual(key);
  });

  it('keeps the key of a message that could not be read', () => {
    expect(deadLetterMessage(letterOf({ key: undefined }, { key: Buffer.from('k ü') })).key).toBe('k ü');
  });

  it('bounds message and stack', () => {
    const error = new Error('ä\n'.repeat(5_000));
    const { headers } = deadLetterMessage(letterOf({ error }));
    const lengthOf = (name: string): number => headers.find(([candidate]) => candidate === name)?.[1].length ?? 0;
    expect(lengthOf('eb-dead-error-message')).toBeGreaterThan(900);
    expect(lengthOf('eb-dead-error-message')).toBeLessThanOrEqual(1_024);
    expect(lengthOf('eb-dead-error-stack')).toBeGreaterThan(3_900);
    expect(lengthOf('eb-dead-error-stack')).toBeLessThanOrEqual(4_096);
    expect(readDeadLetterHeaders(headers)?.error.message).toMatch(/^(ä\n)+ä?$/);
  });

  it('survives an error whose properties throw', () => {
    const hostile = new Proxy(new Error('x'), {
      get: () => {
        throw new Error('no');
      },
    });
    expect(readDeadLetterHeaders(deadLetterMessage(letterOf({ error: hostile })).headers)?.error.class).toBe('Error');
  });

  it('is legal whatever came in, never changes the bytes, and everything can be read back', () => {
    const input = fc.record({
      headers: fc.array(fc.tuple(hostileName, fc.oneof(hostileText, bytes)), { maxLength: 8 }),
      topic: fc.oneof(fc.constant('orders.placed'), hostileText, fc.string({ minLength: 200, maxLength: 400 })),
      group: fc.oneof(fc.constant('billing'), fc.stringMatching(/^[A-Za-z0-9._-]{1,100}$/)),
      eventId: fc.option(hostileText, { nil: undefined }),
      key: fc.option(hostileText, { nil: undefined }),
      error: hostileText.map((text) => new Error(text)),
      body: fc.option(bytes),
    });
    fc.assert(
      fc.property(input, ({ headers, topic, body, ...rest }) => {
        const message = deadLetterMessage(letterOf(rest, { topic, body, key: null, headers: new HeaderList(headers) }));
        assertTopic(message.topic);
        expect(message.id).toMatch(/^[!-~]{1,512}$/);
        expect(message.body).toBe(body);
        expect(message.headers.filter((entry) => !isSafe(entry))).toEqual([]);
        const history = readDeadLetterHeaders(message.headers);
        expect(history).toMatchObject({ topic, group: rest.group, eventId: rest.eventId, key: rest.key });
        expect(raw(history?.headers)).toEqual(raw(headers));
      }),
      { numRuns: 500 },
    );
  });

  it('gives two topics that are made legal two dead topics', () => {
    expect(topicOf('a b')).not.toBe(topicOf('a_b'));
    expect(topicOf('x'.repeat(300))).not.toBe(topicOf('x'.repeat(301)));
  });

  it('is no dead letter without its headers', () => {
    expect(readDeadLetterHeaders([['ce_id', 'x']])).toBeUndefined();
  });
});
