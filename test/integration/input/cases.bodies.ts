import type { InputRow, PublishedCase, RawInput, ReceivedCase } from './support/case.js';

const JSON_TYPE = 'application/json';
const TEXT = 'text/plain';
const BYTES = 'application/octet-stream';
const REFUSED = 'EVENT_BUS_DATA_NOT_SERIALIZABLE';
const INVALID_UTF_8 = Uint8Array.of(0x22, 0xc3, 0x28, 0xff, 0xfe, 0x80, 0x22);
/** A lone surrogate as UTF-8 would write it, within quotes. */
const SURROGATE_BYTES = Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22);

const json = (body: RawInput['body']): RawInput => ({ body, contentType: JSON_TYPE });
const text = (body: RawInput['body']): RawInput => ({ body, contentType: TEXT });
const bytes = (body: RawInput['body']): RawInput => ({ body, contentType: BYTES });
const exactly = (data: unknown) => ({ exact: { data } });

/** Data that cannot be sent, by name. */
function refused(all: Readonly<Record<string, unknown>>): PublishedCase[] {
  return Object.entries(all).map(([name, data]) => ({ name, data, becomes: REFUSED }));
}

/** JSON that cannot be read, as it is and when it says what it is. */
function unreadable(all: Readonly<Record<string, RawInput['body']>>): ReceivedCase[] {
  return Object.entries(all).flatMap(([name, body]): ReceivedCase[] => [
    { name: `${name}, as JSON`, input: json(body), becomes: 'dead letter' },
    { name: `${name}, of unknown type`, input: { body }, becomes: 'dead letter' },
  ]);
}

/** Arrays in arrays, so many in all. */
function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}

function nestedText(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

const circularObject: Record<string, unknown> = { name: 'circle' };
circularObject['self'] = circularObject;
const circularArray: unknown[] = [];
circularArray.push({ back: circularArray });

export const BODIES: readonly InputRow[] = [
  {
    row: 'empty body',
    published: [
      { name: 'no bytes', data: new Uint8Array(), becomes: 'exact' },
      { name: 'no text', data: '', options: { contentType: TEXT }, becomes: 'exact' },
      { name: 'empty JSON text', data: '', becomes: 'exact' },
    ],
    received: [
      ...unreadable({ nothing: '' }),
      { name: 'nothing, as text', input: text(''), becomes: exactly('') },
      { name: 'nothing, as bytes', input: bytes(''), becomes: exactly(Buffer.alloc(0)) },
      {
        name: 'nothing, of a CloudEvent without content type',
        input: { body: '', attributes: { id: 'i', source: 's', type: 't' } },
        becomes: exactly(null),
      },
    ],
  },
  {
    row: 'invalid UTF-8',
    published: [
      { name: 'as bytes', data: INVALID_UTF_8, becomes: 'exact' },
      {
        name: 'as bytes that are said to be text',
        data: INVALID_UTF_8,
        options: { contentType: TEXT },
        becomes: 'dead letter',
      },
    ],
    received: [
      ...unreadable({ 'not UTF-8': INVALID_UTF_8 }),
      { name: 'not UTF-8, as text', input: text(INVALID_UTF_8), becomes: 'dead letter' },
      { name: 'not UTF-8, as bytes', input: bytes(INVALID_UTF_8), becomes: exactly(Buffer.from(INVALID_UTF_8)) },
    ],
  },
  {
    row: 'truncated JSON',
    published: [
      { name: 'as text', data: '{"a":', options: { contentType: TEXT }, becomes: 'exact' },
      { name: 'as bytes', data: Buffer.from('{"a":'), becomes: 'exact' },
      {
        name: 'as bytes that are said to be JSON',
        data: Buffer.from('{"a":'),
        options: { contentType: JSON_TYPE },
        becomes: 'dead letter',
      },
    ],
    received: [
      ...unreadable({
        'an open object': '{"a":',
        'an open string': '"text',
        'a comma too many': '[1,]',
        'white space alone': ' \r\n',
      }),
      { name: 'a byte order mark before JSON', input: json('\uFEFF{"a":1}'), becomes: exactly({ a: 1 }) },
      { name: 'an open object, as text', input: text('{"a":'), becomes: exactly('{"a":') },
    ],
  },
  {
    row: 'JSON nested 100,000 deep (or more than `maxJsonDepth`, 200)',
    published: [
      ...refused({ '100,000 deep': nested(100_000), '201 deep': nested(201) }),
      { name: '200 deep', data: nested(200), becomes: 'exact' },
    ],
    received: [
      ...unreadable({
        '100,000 deep': nestedText(100_000),
        '100,000 deep and not closed': '['.repeat(100_000),
        '100,000 objects deep': `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
        '201 deep': nestedText(201),
      }),
      { name: '200 deep', input: json(nestedText(200)), becomes: exactly(nested(200)) },
      {
        name: '100,000 brackets within a string',
        input: json(`"${'['.repeat(100_000)}"`),
        becomes: exactly('['.repeat(100_000)),
      },
    ],
  },
  {
    row: '`__proto__` key',
    published: refused({
      'at the top': JSON.parse('{"__proto__":{"polluted":true}}'),
      'further down': { list: [JSON.parse('{"__proto__":1}')] },
    }),
    received: unreadable({
      'at the top': '{"__proto__":{"polluted":true}}',
      'further down': '{"list":[{"__proto__":1}]}',
      escaped: '{"\\u005f_proto_\\u005F":{"polluted":true}}',
      'with spaces': '{ "__proto__" : { "polluted" : true } }',
    }),
  },
  {
    row: '`constructor` key',
    published: [
      { name: 'that is text', data: { constructor: 'a builder' }, becomes: 'exact' },
      { name: 'that is harmless', data: { constructor: { name: 'x' } }, becomes: 'exact' },
      ...refused({ 'with a prototype': { constructor: { prototype: { polluted: true } } } }),
    ],
    received: [
      {
        name: 'that is harmless',
        input: json('{"constructor":{"name":"x"}}'),
        becomes: exactly({ constructor: { name: 'x' } }),
      },
      ...unreadable({
        'with a prototype': '{"constructor":{"prototype":{"polluted":true}}}',
        'escaped, with a prototype': '{"\\u0063onstructor":{"prototyp\\u0065":{"polluted":true}}}',
      }),
    ],
  },
  {
    row: 'a tombstone: no body',
    published: [{ name: 'null', data: null, becomes: 'exact' }],
    received: [
      { name: 'with a key', input: { body: null, key: 'k' }, on: ['kafka'], becomes: exactly(null) },
      { name: 'without a key', input: { body: null, key: null }, on: ['kafka'], becomes: exactly(null) },
      { name: 'of a content type', input: { body: null, contentType: TEXT }, on: ['kafka'], becomes: exactly(null) },
    ],
  },
  {
    row: 'text with a lone surrogate',
    published: [
      { name: 'as JSON', data: { text: 'a\uD83Dz', name: '\uDE00' }, becomes: 'exact' },
      { name: 'as text', data: 'a\uD83Dz', options: { contentType: TEXT }, becomes: REFUSED },
    ],
    received: [
      { name: 'escaped in JSON', input: json('"a\\ud83dz"'), becomes: exactly('a\uD83Dz') },
      ...unreadable({ 'in bytes': SURROGATE_BYTES }),
    ],
  },
  {
    row: 'a Date',
    published: [
      {
        name: 'a Date within data',
        data: { at: new Date(0) },
        becomes: { changed: { data: { at: '1970-01-01T00:00:00.000Z' } } },
      },
      { name: 'a Date alone', data: new Date(0), becomes: { changed: { data: '1970-01-01T00:00:00.000Z' } } },
      ...refused({ 'an invalid Date': { at: new Date(Number.NaN) } }),
    ],
    received: [],
  },
  { row: 'BigInt', published: refused({ 'within data': { total: 1n }, alone: 1n }), received: [] },
  {
    row: 'NaN, Infinity',
    published: refused({ NaN: Number.NaN, 'NaN within data': { a: [Number.NaN] }, Infinity: -Infinity }),
    received: unreadable({ NaN: '{"a":NaN}', Infinity: '-Infinity' }),
  },
  {
    row: 'a number beyond what JavaScript holds',
    published: [{ name: 'the largest', data: Number.MAX_VALUE, becomes: 'exact' }],
    received: [
      {
        name: 'too exact',
        input: json('{"id":9007199254740993}'),
        becomes: { changed: { data: { id: 9_007_199_254_740_992 } } },
      },
      { name: 'too large', input: json('1e999'), becomes: { changed: { data: Infinity } } },
    ],
  },
  {
    row: 'undefined',
    published: [
      ...refused({ 'as the data': undefined, 'in an array': { list: [1, undefined] } }),
      { name: 'as a property', data: { a: 1, b: undefined }, becomes: { changed: { data: { a: 1 } } } },
    ],
    received: [],
  },
  {
    row: 'circular data',
    published: refused({ 'an object': circularObject, 'an array': circularArray }),
    received: [],
  },
  {
    row: 'a function, a symbol',
    published: refused({
      'a function': () => undefined,
      'a method': { toString: () => 'x' },
      'a symbol': { kind: Symbol('x') },
    }),
    received: [],
  },
  {
    row: 'a Map, a Set, a Promise, an Error, a RegExp, bytes within data',
    published: [
      ...refused({
        'a Map': { prices: new Map([['a', 1]]) },
        'an empty Set': new Set(),
        'a Promise': { later: Promise.resolve(1) },
        'an Error': { error: new Error('lost') },
        'an Error with properties': { error: Object.assign(new Error('lost'), { code: 'E_LOST' }) },
        'a RegExp': /x/,
        'a typed array': { bytes: Uint8Array.of(1, 2) },
        'an ArrayBuffer': new ArrayBuffer(4),
      }),
      {
        name: 'a Buffer within data',
        data: { bytes: Buffer.from('x') },
        becomes: { changed: { data: { bytes: { type: 'Buffer', data: [120] } } } },
      },
    ],
    received: [],
  },
  {
    row: 'random bytes',
    published: [{ name: 'as bytes', data: Uint8Array.of(7, 0, 255, 13, 10, 0x7b), becomes: 'exact' }],
    received: [
      { name: 'that are no JSON', input: { body: Uint8Array.of(7, 0, 255, 13, 10, 0x7b) }, becomes: 'dead letter' },
      { name: 'that happen to be JSON', input: { body: Uint8Array.of(0x37) }, becomes: exactly(7) },
    ],
  },
];
