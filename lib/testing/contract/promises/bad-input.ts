import type { HeaderEntry } from '../../../transport/message.js';
import type { ContractCapabilities, RawMessage } from '../subject.js';

/** One unusual message from a foreign publisher, and what becomes of it. */
export interface ReceivedCase {
  readonly name: string;
  readonly message: RawMessage;
  readonly becomes: 'dead letter' | 'handled';
  /** What the handler is given. @default not looked at */
  readonly data?: unknown;
  readonly appliesTo?: (capabilities: ContractCapabilities) => boolean;
}

/** One unusual event to publish: the error's code, or `handled` when it arrives exactly as it was. */
export interface PublishedCase {
  readonly name: string;
  readonly topic?: string;
  readonly data?: unknown;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly becomes: `EVENT_BUS_${string}` | 'handled';
}

const JSON_TYPE: HeaderEntry = ['content-type', 'application/json'];
const text = (body: string): Uint8Array => Buffer.from(body);
const json = (body: string | Uint8Array): RawMessage => {
  return { key: 'k', body: typeof body === 'string' ? text(body) : body, headers: [JSON_TYPE] };
};

/** What may come in; alike on every transport unless it says so. */
export const RECEIVED: readonly ReceivedCase[] = [
  { name: 'an empty body that claims to be JSON', message: json(''), becomes: 'dead letter' },
  { name: 'invalid UTF-8', message: json(Uint8Array.from([0x22, 0xff, 0xfe, 0x22])), becomes: 'dead letter' },
  { name: 'truncated JSON', message: json('{"a":'), becomes: 'dead letter' },
  {
    name: 'JSON nested 100,000 deep',
    message: json('['.repeat(100_000) + ']'.repeat(100_000)),
    becomes: 'dead letter',
  },
  { name: 'a __proto__ key', message: json('{"__proto__":{"polluted":true}}'), becomes: 'dead letter' },
  {
    name: 'a constructor.prototype key',
    message: json('{"constructor":{"prototype":{"polluted":true}}}'),
    becomes: 'dead letter',
  },
  {
    name: 'plain JSON without any header',
    message: { key: 'k', body: text('{"a":1}') },
    becomes: 'handled',
    data: { a: 1 },
  },
  { name: 'no key', message: { key: null, body: text('1'), headers: [JSON_TYPE] }, becomes: 'handled', data: 1 },
  { name: 'an empty key', message: { key: '', body: text('1'), headers: [JSON_TYPE] }, becomes: 'handled', data: 1 },
  {
    name: 'a key of 10,000 characters',
    message: { ...json('1'), key: 'x'.repeat(10_000) },
    becomes: 'handled',
    data: 1,
  },
  {
    name: '1,000 headers',
    message: {
      ...json('1'),
      headers: [JSON_TYPE, ...Array.from({ length: 1_000 }, (_, n): HeaderEntry => [`x-${n}`, `${n}`])],
    },
    becomes: 'handled',
    data: 1,
  },
  {
    name: 'the same header name twice',
    message: { ...json('1'), headers: [JSON_TYPE, ['x-twice', 'one'], ['x-twice', 'two']] },
    becomes: 'handled',
    data: 1,
  },
  {
    name: 'a header value that is no ASCII',
    message: { ...json('1'), headers: [JSON_TYPE, ['x-color', 'grün ✓']] },
    becomes: 'handled',
    data: 1,
  },
  {
    name: 'header values with CR, LF and NUL',
    message: { ...json('1'), headers: [JSON_TYPE, ['x-evil', 'a\r\nx-injected: b\0']] },
    becomes: 'handled',
    data: 1,
    appliesTo: ({ headerValues }) => headerValues === 'any',
  },
  {
    name: 'an id of 5,000 characters',
    message: { ...json('1'), headers: [JSON_TYPE, ['ce-id', 'x'.repeat(5_000)], ['ce_id', 'x'.repeat(5_000)]] },
    becomes: 'dead letter',
  },
  {
    name: 'a tombstone',
    message: { key: 'k', body: null },
    becomes: 'handled',
    data: null,
    appliesTo: ({ tombstones }) => tombstones,
  },
];

const circular: Record<string, unknown> = {};
circular['self'] = circular;

/** What may be published; alike on every transport. */
export const PUBLISHED: readonly PublishedCase[] = [
  { name: 'an empty topic', topic: '', becomes: 'EVENT_BUS_INVALID_TOPIC' },
  { name: 'a topic with a space', topic: 'a b', becomes: 'EVENT_BUS_INVALID_TOPIC' },
  { name: 'a topic with a wildcard', topic: 'a.*', becomes: 'EVENT_BUS_INVALID_TOPIC' },
  { name: 'a topic with CR and LF', topic: 'a\r\nPUB b 0', becomes: 'EVENT_BUS_INVALID_TOPIC' },
  { name: 'circular data', data: circular, becomes: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' },
  { name: 'a BigInt', data: { n: 1n }, becomes: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' },
  { name: 'NaN', data: { n: Number.NaN }, becomes: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' },
  { name: 'undefined', data: undefined, becomes: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' },
  {
    name: 'a header with CR and LF',
    options: { headers: { 'x-evil': 'a\r\nb' } },
    becomes: 'EVENT_BUS_INVALID_HEADER',
  },
  { name: 'a header with NUL', options: { headers: { 'x-evil': 'a\0b' } }, becomes: 'EVENT_BUS_INVALID_HEADER' },
  {
    name: '1,000 headers',
    options: { headers: Object.fromEntries(manyHeaders(1_000)) },
    becomes: 'EVENT_BUS_INVALID_HEADER',
  },
  { name: 'a key that is no string', options: { key: 7 }, becomes: 'EVENT_BUS_INVALID_KEY' },
  { name: 'a key with dots, spaces, `*` and `>`', options: { key: 'a.b c.*.>' }, becomes: 'handled' },
  { name: 'a key with CR and LF', options: { key: 'a\r\nb' }, becomes: 'handled' },
  { name: 'a key of 10,000 characters', options: { key: 'x'.repeat(10_000) }, becomes: 'handled' },
  { name: 'a key that is no ASCII', options: { key: 'größe ✓ 💥' }, becomes: 'handled' },
  { name: 'a header that is no ASCII', options: { headers: { 'x-color': 'grün ✓' } }, becomes: 'handled' },
  { name: '200 headers', options: { headers: Object.fromEntries(manyHeaders(200)) }, becomes: 'handled' },
  { name: 'null', data: null, becomes: 'handled' },
  { name: 'text with every kind of character', data: 'a\0\u0001\u2028💥"\\', becomes: 'handled' },
];

function manyHeaders(count: number): [string, string][] {
  return Array.from({ length: count }, (_, n) => [`x-${n}`, `${n}`]);
}

/** The same bytes at every run: a linear congruential generator. None is well-formed JSON, for each begins with a brace that is never closed. */
export function randomBodies(count: number): Uint8Array[] {
  let state = 42;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  return Array.from({ length: count }, () =>
    Uint8Array.from({ length: 1 + next(60) }, (_, at) => (at === 0 ? 0x7b : next(256) === 0x7d ? 0 : next(125))),
  );
}
