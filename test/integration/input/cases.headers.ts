import type { InputRow, PublishedCase, RawInput, ReceivedCase } from './support/case.js';

const REFUSED = 'EVENT_BUS_INVALID_HEADER';
const TOO_LARGE = 'EVENT_BUS_MESSAGE_TOO_LARGE';
type Entry = readonly [name: string, value: string | Uint8Array];

const numbered = (count: number): [string, string][] => Array.from({ length: count }, (_, n) => [`x-${n}`, `${n}`]);

function publish(name: string, headers: unknown, becomes: PublishedCase['becomes']): PublishedCase {
  return { name, data: name, options: { key: 'k', headers }, becomes };
}

function receive(name: string, headers: readonly Entry[], becomes: ReceivedCase['becomes']): ReceivedCase {
  return { name, input: { key: 'k', body: '1', headers }, becomes };
}

/** An object's own property, also where it would be the prototype. */
function one(name: string, value: string): Record<string, string> {
  return Object.fromEntries([[name, value]]);
}

const attributed = (attributes: RawInput['attributes']): RawInput => ({
  key: 'k',
  body: '1',
  attributes: attributes ?? {},
});
const STATUS_LINES = [
  'NATS/1.0 503',
  'NATS/1.0 503 No Responders',
  'NATS/1.0 100 Idle Heartbeat',
  'NATS/1.0 100 FlowControl Request',
  'NATS/1.0 404 No Messages',
  'NATS/1.0 408 Request Timeout',
  'NATS/1.0 409 Consumer Deleted',
  'NATS/1.0 423 Nats-Wrong-Pin-Id',
  'NATS/1.0\r\na line without a colon',
  'NATS/1.0\r\nNats-Pending-Messages: 7\r\nNats-Pin-Id: mine',
  'HTTP/1.1 200 OK',
];
const LATIN_1 = Buffer.from('grün', 'latin1');

export const HEADERS: readonly InputRow[] = [
  {
    row: '1,000 headers',
    published: [
      publish('1,000 headers', Object.fromEntries(numbered(1_000)), REFUSED),
      publish('257 headers', Object.fromEntries(numbered(257)), REFUSED),
      publish('256 headers', Object.fromEntries(numbered(256)), 'exact'),
      publish('a header that is too long', one('x', 'x'.repeat(65_536)), REFUSED),
      publish('a long header', one('x', 'ä'.repeat(30_000)), 'exact'),
      { ...publish('a header as long as may be', one('x', 'x'.repeat(65_535)), 'exact'), on: ['kafka', 'memory'] },
      { ...publish('a header as long as may be', one('x', 'x'.repeat(65_535)), TOO_LARGE), on: ['nats'] },
    ],
    received: [
      receive('1,000 headers', numbered(1_000), { exact: { data: 1, headers: Object.fromEntries(numbered(1_000)) } }),
      receive('a long header', [['x', 'ä'.repeat(30_000)]], { exact: { headers: one('x', 'ä'.repeat(30_000)) } }),
      {
        ...receive('a header of 200,000 characters', [['x', 'ä'.repeat(200_000)]], {
          exact: { headers: one('x', 'ä'.repeat(200_000)) },
        }),
        on: ['kafka', 'memory'],
      },
    ],
  },
  {
    row: 'CR or LF in a value',
    published: [
      publish('CR and LF', one('x', 'a\r\nPUB other 0'), REFUSED),
      publish('LF', one('x', 'a\nb'), REFUSED),
      publish('CR', one('x', 'a\rb'), REFUSED),
    ],
    received: [
      {
        ...receive('CR and LF', [['x', 'a\r\nx-injected: b']], { exact: { headers: { x: 'a\r\nx-injected: b' } } }),
        on: ['kafka'],
      },
      receive('LF', [['x', 'a\nb']], { exact: { headers: { x: 'a\nb' } } }),
      receive('CR', [['x', 'a\rb']], { exact: { headers: { x: 'a\rb' } } }),
    ],
  },
  {
    row: 'NUL in a value',
    published: [publish('NUL', one('x', 'a\0b'), REFUSED)],
    received: [receive('NUL', [['x', 'a\0b']], { exact: { headers: { x: 'a\0b' } } })],
  },
  {
    row: 'white space at either end of a value',
    published: [publish('before', one('x', ' a'), REFUSED), publish('behind', one('x', 'a\t'), REFUSED)],
    received: [
      { ...receive('both', [['x', ' a b\t ']], { changed: { headers: { x: 'a b' } } }), on: ['nats'] },
      { ...receive('both', [['x', ' a b\t ']], { exact: { headers: { x: ' a b\t ' } } }), on: ['kafka', 'memory'] },
    ],
  },
  {
    row: 'non-ASCII value',
    published: [publish('UTF-8', one('x', 'grün ✓ 💥'), 'exact')],
    received: [
      receive('UTF-8', [['x', 'grün ✓ 💥']], { exact: { headers: { x: 'grün ✓ 💥' } } }),
      receive('Latin-1', [['x', LATIN_1]], { changed: { headers: { x: 'gr\uFFFDn' } } }),
      receive(
        'Latin-1 beside UTF-8',
        [
          ['x', LATIN_1],
          ['y', '✓'],
        ],
        {
          changed: { headers: { x: 'gr\uFFFDn', y: '✓' } },
        },
      ),
    ],
  },
  {
    row: 'duplicate names',
    published: [],
    received: [
      receive(
        'twice',
        [
          ['x', 'one'],
          ['x', 'two'],
        ],
        {
          changed: { headers: { x: 'one' }, allOf: ['x', 'one', 'two'] },
        },
      ),
      receive(
        'thrice, with another between',
        [
          ['x', 'one'],
          ['y', '1'],
          ['x', 'two'],
          ['x', 'one'],
        ],
        {
          changed: { headers: { x: 'one', y: '1' }, allOf: ['x', 'one', 'two', 'one'] },
        },
      ),
      receive(
        'in capitals',
        [
          ['x', 'one'],
          ['X', 'two'],
        ],
        { exact: { headers: { x: 'one', X: 'two' } } },
      ),
    ],
  },
  {
    row: 'names that are no token, or begin with `ce-`, `ce_`, `Nats-`, or are `content-type`',
    published: [
      ...['a b', '', 'ümlaut', 'x:y', 'x\r\ny', 'ce-id', 'CE_own', 'Nats-Expected-Stream', 'nats-own'].map((name) =>
        publish(JSON.stringify(name), one(name, 'x'), REFUSED),
      ),
      publish('"Content-Type"', one('Content-Type', 'text/plain'), REFUSED),
      publish('a value that is no text', { x: 7 }, REFUSED),
      publish('headers that are no object', 'x: y', REFUSED),
    ],
    received: [
      receive(
        'of NATS',
        [
          ['Nats-Own', 'x'],
          ['nats-other', 'y'],
          ['z', 'z'],
        ],
        { changed: { headers: { z: 'z' } } },
      ),
      {
        ...receive(
          'of the codec',
          [
            ['ce-own', 'x'],
            ['z', 'z'],
          ],
          { changed: { headers: { z: 'z' } } },
        ),
        on: ['nats', 'memory'],
      },
      {
        ...receive(
          'of the codec',
          [
            ['CE_own', 'x'],
            ['z', 'z'],
          ],
          { changed: { headers: { z: 'z' } } },
        ),
        on: ['kafka'],
      },
      receive(
        'that are no token',
        [
          ['a (b)', 'x'],
          ['grün', 'y'],
        ],
        { exact: { headers: { 'a (b)': 'x', grün: 'y' } } },
      ),
      { ...receive('none', [['', 'x']], { exact: { headers: { '': 'x' } } }), on: ['kafka'] },
    ],
  },
  {
    row: 'a header called `__proto__`',
    published: [
      publish('__proto__', one('__proto__', 'x'), 'exact'),
      publish('constructor', one('constructor', 'x'), 'exact'),
    ],
    received: ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) =>
      receive(name, [[name, 'x']], { exact: { headers: one(name, 'x') } }),
    ),
  },
  {
    row: 'header lines that look like the protocol',
    published: [],
    received: STATUS_LINES.map((headerLines) => ({
      name: JSON.stringify(headerLines),
      input: { key: 'k', body: '1', headerLines },
      on: ['nats'],
      becomes: { exact: { data: 1, headers: {} } },
    })),
  },
  {
    row: 'attributes with wrong percent-encoding',
    published: [],
    received: [
      { name: 'not UTF-8', input: attributed({ type: '%FF%FE' }), on: ['nats', 'memory'], becomes: 'dead letter' },
      {
        name: 'not UTF-8',
        input: attributed({ type: '%FF%FE' }),
        on: ['kafka'],
        becomes: { exact: { type: '%FF%FE' } },
      },
      { name: 'a lone %', input: attributed({ type: '100%' }), becomes: { exact: { type: '100%' } } },
      { name: 'half an escape', input: attributed({ type: 'a%2' }), becomes: { exact: { type: 'a%2' } } },
    ],
  },
  {
    row: 'an id with control characters, or longer than 1,024 characters',
    published: ['a\nb', 'x'.repeat(257), 'größe', ' a', '', 7, null].map((id, place) => ({
      name: `id ${place}: ${JSON.stringify(id).slice(0, 20)}`,
      data: 1,
      options: { id },
      becomes: 'EVENT_BUS_INVALID_EVENT',
    })),
    received: [
      { name: 'LF', input: attributed({ id: 'a\nb' }), on: ['kafka'], becomes: 'dead letter' },
      { name: 'LF, escaped', input: attributed({ id: 'a%0Ab' }), on: ['nats', 'memory'], becomes: 'dead letter' },
      { name: 'NUL', input: attributed({ id: 'a\0b' }), becomes: 'dead letter' },
      { name: 'too long', input: attributed({ id: 'x'.repeat(1_025) }), becomes: 'dead letter' },
      {
        name: 'as long as may be',
        input: attributed({ id: 'x'.repeat(1_024) }),
        becomes: { exact: { id: 'x'.repeat(1_024) } },
      },
    ],
  },
];
