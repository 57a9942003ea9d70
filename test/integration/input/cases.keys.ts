import type { InputRow, PublishedCase, ReceivedCase } from './support/case.js';

const SPECIAL = ['a.b c.*.>', '>', '*', '..', '/../x', 'a\r\nPUB b 0\r\n\r\n', 'a\0b', ' ', '%', 'größe ✓ 💥'];
const LONG = 'x'.repeat(10_000);
const HUGE = 'x'.repeat(70_000);

function exactKey(key: string): PublishedCase {
  return { name: JSON.stringify(key).slice(0, 30), data: key.length, options: { key }, becomes: 'exact' };
}

/** On NATS keys are attributes, and so percent-encoded by whoever writes CloudEvents. */
function receivedKey(key: string): ReceivedCase[] {
  const name = JSON.stringify(key).slice(0, 30);
  const becomes = { exact: { key, data: 1 } };
  return [
    { name, input: { key, body: '1' }, on: ['kafka'], becomes },
    { name, input: { key: encodeURIComponent(key), body: '1' }, on: ['nats', 'memory'], becomes },
  ];
}

export const KEYS_AND_TOPICS: readonly InputRow[] = [
  {
    row: 'no key',
    published: [{ name: 'no key', data: 1, options: { key: undefined }, becomes: 'exact' }],
    received: [{ name: 'no key', input: { key: null, body: '1' }, becomes: { exact: { data: 1, key: undefined } } }],
  },
  {
    row: 'an empty key',
    published: [
      { name: 'an empty key', data: 1, options: { key: '' }, becomes: { changed: { data: 1, key: undefined } } },
    ],
    received: [
      { name: 'an empty key', input: { key: '', body: '1' }, becomes: { changed: { data: 1, key: undefined } } },
    ],
  },
  { row: 'a key of 10,000 characters', published: [exactKey(LONG)], received: receivedKey(LONG) },
  {
    row: 'a key of 70,000 characters',
    published: [
      { ...exactKey(HUGE), on: ['kafka', 'memory'] },
      { ...exactKey(HUGE), on: ['nats'], becomes: 'EVENT_BUS_MESSAGE_TOO_LARGE' },
    ],
    received: receivedKey(HUGE).filter(({ on }) => on?.includes('kafka') === true),
  },
  {
    row: 'a key with dots, spaces, `*`, `>`, line ends',
    published: SPECIAL.map(exactKey),
    received: SPECIAL.flatMap(receivedKey),
  },
  {
    row: 'a key with a lone surrogate, or that is no string',
    published: ['a\uD83D', 7, null, {}, ['k']].map((key, place) => ({
      name: `key ${place}: ${JSON.stringify(key)}`,
      data: 1,
      options: { key },
      becomes: 'EVENT_BUS_INVALID_KEY',
    })),
    received: [],
  },
  {
    row: 'a key that is not UTF-8',
    published: [],
    received: [
      {
        name: 'not UTF-8',
        input: { key: Uint8Array.of(0x67, 0xfc, 0xff), body: '1' },
        on: ['kafka'],
        becomes: { changed: { key: 'g\u00fc\u00ff' } },
      },
      {
        name: 'not UTF-8',
        input: { key: Uint8Array.of(0x67, 0xfc, 0xff), body: '1' },
        on: ['nats', 'memory'],
        becomes: { changed: { key: 'g\uFFFD\uFFFD' } },
      },
    ],
  },
  {
    row: 'a topic with illegal characters, empty tokens, wildcards, or over 249 characters',
    published: [
      '',
      'a b',
      'a..b',
      '.a',
      'a.',
      'a.*',
      'a.>',
      '>',
      'größe',
      'a\r\nPUB b 0',
      'a\0',
      '$SYS.x',
      '../x',
      'x'.repeat(250),
    ].map((topic) => ({
      name: JSON.stringify(topic).slice(0, 30),
      topic,
      data: 1,
      becomes: 'EVENT_BUS_INVALID_TOPIC',
    })),
    received: [
      {
        name: 'illegal characters',
        input: { body: '1', topicSuffix: '.größe!$' },
        on: ['nats', 'memory'],
        becomes: { exact: { data: 1 } },
      },
      {
        name: 'an empty token',
        input: { body: '1', topicSuffix: '..b' },
        on: ['kafka'],
        becomes: { exact: { data: 1 } },
      },
    ],
  },
];
