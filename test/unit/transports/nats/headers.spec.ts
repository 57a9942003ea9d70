import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderEntry } from '../../../../lib/transport/message.js';
import { HeaderWriter } from '../../../../lib/transports/nats/headers.outgoing.js';
import { NatsHeaders } from '../../../../lib/transports/nats/headers.received.js';

const message = (headers: readonly HeaderEntry[], dead = false) => ({
  topic: 't',
  key: undefined,
  id: 'the-id',
  body: '',
  headers,
  dead,
});
/** The block as it goes over the wire, a character for each byte. */
const written = (headers: readonly HeaderEntry[], dead = false) => {
  const block = new HeaderWriter().write(message(headers, dead));
  return (typeof block === 'string' ? Buffer.from(block, 'utf8') : block).toString('latin1');
};
const round = (headers: readonly HeaderEntry[], dead = false) => new NatsHeaders(written(headers, dead));

describe('headers on NATS', () => {
  it('come as they were sent, in order, with duplicates, text as text and bytes as bytes', () => {
    const sent: HeaderEntry[] = [
      ['a', '1'],
      ['b', 'Zürich ☃ 😀'],
      ['a', '2'],
      ['colon', 'x: y'],
      ['empty', ''],
    ];
    expect(round(sent).entries()).toEqual([['Nats-Msg-Id', 'the-id'], ...sent]);
    const bytes = Buffer.from([0xff, 0x61, 0xfe]);
    expect(round([...sent, ['raw', bytes]]).entries()).toEqual([['Nats-Msg-Id', 'the-id'], ...sent, ['raw', bytes]]);
  });

  it('are found by their exact name, the first of several', () => {
    const headers = round([
      ['ce-id', 'x'],
      ['CE-ID', 'y'],
      ['ce-id', 'z'],
    ]);
    expect([headers.get('ce-id'), headers.get('CE-ID'), headers.get('id'), headers.get('ce')]).toEqual([
      'x',
      'y',
      undefined,
      undefined,
    ]);
    expect(new NatsHeaders('').get('a')).toBeUndefined();
    expect(new NatsHeaders('').entries()).toEqual([]);
  });

  it('of a dead letter are made legal whatever they were, and write nothing into the protocol', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array());
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), value), { maxLength: 8 }), (headers) => {
        const block = written(headers, true);
        const lines = block.split('\r\n');
        expect(lines).toHaveLength(headers.length + 4);
        expect(lines.slice(2, -2).every((line) => /^[!-9;-~]+: [^\r\n\0]*$/.test(line) && !/^nats-/i.test(line))).toBe(
          true,
        );
      }),
    );
  });
});
