import { describe, expect, it } from 'vitest';
import { DEAD_HEADERS, readDeadLetterHeaders } from '../../../lib/dispatch/dead-letter.headers.js';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import type { HeaderEntry } from '../../../lib/transport/message.js';
import { TRANSPORTS } from './support/environment.js';
import { useFaults } from './support/fault-tools.js';

const KEYS = keysOf(3);
const FORGED: readonly HeaderEntry[] = [
  ...Object.values(DEAD_HEADERS).map((name): HeaderEntry => [name, 'forged']),
  ['eb-dead-header-0', `${Buffer.from('x-forged').toString('base64')}.${Buffer.from('forged').toString('base64')}`],
];

/** What a sender may put into headers to harm whoever reads them, besides what docs/input.md lists. */
const HOSTILE: readonly (readonly [name: string, headers: readonly HeaderEntry[]])[] = [
  ['the headers of a dead letter', FORGED],
  [
    'the headers of a part of one',
    [
      ['Eventbus-Part', '2/1000000000'],
      ['Eventbus-Part-Of', 'x'],
      ['Eventbus-Part-Size', '1e99'],
    ],
  ],
  ['60,000 characters', [['x-long', 'ä'.repeat(25_000)]]],
  ['what is no UTF-8 and no ASCII', [['x-text', 'grün ✓ 💥']]],
  ['the same name 500 times', Array.from({ length: 500 }, (_, n): HeaderEntry => ['x-same', `${n}`])],
  [
    'attributes of CloudEvents that contradict each other',
    [
      ['ce-id', 'one'],
      ['ce_id', 'two'],
      ['ce-specversion', '0.3'],
      ['ce_specversion', '9'],
    ],
  ],
  [
    'traces that are none',
    [
      ['traceparent', 'ff-zz'],
      ['ce-traceparent', '00'],
      ['tracestate', '='.repeat(5_000)],
    ],
  ],
];

/** What kafkajs takes as long for as the square of their number. */
const MANY = { memory: 2_000, nats: 2_000, kafka: 300 } as const;

describe.each(TRANSPORTS)('F12: hostile headers, on $name', (transport) => {
  const faults = useFaults(transport);

  const many = Array.from({ length: MANY[transport.kind] }, (_, n): HeaderEntry => [`x-${n}`, '1']);

  it.each([...HOSTILE, ['very many headers', many] as const])(
    'handles or dead-letters the event, keeps its headers, and takes no other down: %s',
    async (_, hostile) => {
      const t = faults();
      const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
      const fails = ({ n }: { readonly n: number }): void => {
        if (n % 2 === 0) throw new Error('refused');
      };
      await t.app({ group, retry: { maxAttempts: 1 }, handlers: [{ on: topic, handle: t.recorded(topic, fails) }] });

      for (let n = 1; n <= 6; n += 1) {
        for (const key of KEYS) {
          const headers = n === 3 || n === 4 ? hostile : [];
          await t.produce(topic, { key, n }, { body: Buffer.from(JSON.stringify({ key, n })), headers });
        }
      }

      await t.eventually(async () => expect(await t.faults.left(topic, group)).toBe(0));
      const dead = (await t.env.readBack(`dead.${group}.${topic}`)).length;
      const { letters } = await t.accountsForAll(topic, group, { deadLetters: dead });
      expect(dead, 'dead letters').toBeGreaterThanOrEqual(3 * KEYS.length);
      for (const letter of letters) {
        expect(readDeadLetterHeaders(letter.headers)).toMatchObject({
          topic,
          group,
          error: { message: expect.not.stringContaining('forged') as string },
        });
      }
      const kept = countsOf(letters.flatMap(({ headers }) => readDeadLetterHeaders(headers)?.headers ?? []));
      for (const [entry, count] of countsOf(hostile)) {
        expect(kept.get(entry), entry.slice(0, 100)).toBeGreaterThanOrEqual(count * KEYS.length);
      }
    },
  );
});

function countsOf(headers: readonly HeaderEntry[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, value] of headers) {
    const entry = `${name}=${Buffer.from(value).toString()}`;
    counts.set(entry, (counts.get(entry) ?? 0) + 1);
  }
  return counts;
}
