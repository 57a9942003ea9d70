import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bodyBytesIn,
  decodeMap,
  encodeMap,
  type MapIdentity,
} from '../../../../../lib/transports/kafka/consuming/offset-map.js';

const identity: MapIdentity = {
  cluster: 'one',
  group: 'billing',
  topic: 'orders',
  partition: 3,
  topicId: Buffer.alloc(16, 7),
  base: 1_000n,
};
const MOST = bodyBytesIn(4_096);

/** Which offsets past the base a list of runs calls done. */
function doneOf(runs: readonly number[]): number[] {
  const done: number[] = [];
  let at = 0;
  for (const [index, run] of runs.entries()) {
    if (index % 2 === 1) for (let offset = at; offset < at + run; offset += 1) done.push(offset);
    at += run;
  }
  return done;
}

function decoded(text: string, of: MapIdentity = identity): number[] | string {
  const map = decodeMap(of, text);
  if ('refused' in map) return map.refused;
  const done: number[] = [];
  for (const [from, to] of map.ranges) for (let at = from; at < to; at += 1n) done.push(Number(at - of.base));
  return done;
}

const anyRuns = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 200 }),
  fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 60 }),
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4_000, maxLength: 30_000 }),
  fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 8 }).map((runs) => [0, ...runs]),
);

describe('The map of what is done past a committed offset', () => {
  it('is read as it was written, whatever is done', () => {
    fc.assert(
      fc.property(anyRuns, fc.bigInt({ min: 0n, max: 2n ** 60n }), (runs, base) => {
        const own = { ...identity, base };
        const { text, left } = encodeMap(own, runs, 1_000_000);
        expect(left).toBe(0);
        expect(decoded(text, own)).toEqual(doneOf(runs));
      }),
      { numRuns: 60 },
    );
  });

  it('never passes the room it has, and then says less: never more than is done, never nothing when something fits', () => {
    fc.assert(
      fc.property(anyRuns, fc.integer({ min: 8, max: 3_000 }), (runs, most) => {
        const all = doneOf(runs);
        const { text, left } = encodeMap(identity, runs, most);
        expect(bodyBytesIn(text.length)).toBeLessThanOrEqual(Math.ceil(most / 3) * 3);
        const said = decoded(text);
        expect(said).toHaveLength(all.length - left);
        const doneOffsets = new Set(all);
        if (typeof said === 'string') throw new Error(`refused: ${said}`);
        expect(said.every((offset) => doneOffsets.has(offset))).toBe(true);
        if (all.length > 0 && (runs[0] ?? 0) < most * 8) expect(said.length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it('takes one bit an offset at most, and far less where much is done in a row', () => {
    const checkered = encodeMap(
      identity,
      Array.from({ length: 8_000 }, () => 1),
      MOST,
    );
    expect(bodyBytesIn(checkered.text.length)).toBeLessThan(1_010);
    const rows = encodeMap(identity, [1, 99_999], MOST);
    expect(bodyBytesIn(rows.text.length)).toBeLessThan(7);
  });

  it('fits into the metadata of a commit, with a note before it', () => {
    const note = 'bus/1 2026-01-02T03:04:05.000Z ';
    const runs = Array.from({ length: 60_000 }, (_, i) => (i * 7919) % 5);
    const { text, left } = encodeMap(identity, runs, bodyBytesIn(4_096 - note.length));
    expect(left).toBeGreaterThan(0);
    expect(`${note}${text}`.length).toBeLessThanOrEqual(4_096);
    expect(`${note}${text}`.length).toBeGreaterThan(4_080);
  });

  describe('is not believed', () => {
    const { text } = encodeMap(identity, [1, 5, 2, 9], MOST);

    it.each<[string, Partial<MapIdentity>, string]>([
      ['of another committed offset', { base: 1_001n }, 'base'],
      ['of an earlier topic by the same name', { topicId: Buffer.alloc(16, 8) }, 'incarnation'],
      ['of another cluster', { cluster: 'two' }, 'scope'],
      ['of another group', { group: 'audit' }, 'scope'],
      ['of another topic', { topic: 'invoices' }, 'scope'],
      ['of another partition', { partition: 4 }, 'scope'],
    ])('when it is %s', (_, other, why) => {
      expect(decoded(text, { ...identity, ...other })).toBe(why);
    });

    it.each(['', 'hello from another library', 'done/2 AAAA', 'done: 1', 'bus/1 latest'])(
      'when it is %j',
      (foreign) => {
        expect(decoded(foreign)).toBe('foreign');
      },
    );

    it('when it is cut short', () => {
      for (let length = 'done/1 '.length; length < text.length - 2; length += 1) {
        expect(decoded(text.slice(0, length))).toBe('checksum');
      }
    });

    it('when any bit of it is another', () => {
      const bytes = Buffer.from(text.slice('done/1 '.length), 'base64');
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decoded(`done/1 ${damaged.toString('base64')}`)).toBe('checksum');
      }
    });

    it('whatever else it is', () => {
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string(),
            fc.base64String().map((rest) => `done/1 ${rest}`),
          ),
          (any) => {
            expect(['foreign', 'checksum']).toContain(decoded(any));
          },
        ),
      );
    });
  });

  it('is written as it always was: other releases read it', () => {
    const own = { ...identity, base: 258n };
    const texts = [[1, 5, 300, 9], Array.from({ length: 48 }, () => 1), []].map(
      (runs) => encodeMap(own, runs, MOST).text,
    );
    expect(texts).toEqual([
      'done/1 Ae01gd5LAImmAAAAAAAAAQIHBwcHBwcHBwcHBwcHBwcHAQWsAgk=',
      'done/1 AvjSBHRLAImmAAAAAAAAAQIHBwcHBwcHBwcHBwcHBwcHqqqqqqqq',
      'done/1 ASu/5WJLAImmAAAAAAAAAQIHBwcHBwcHBwcHBwcHBwcH',
    ]);
  });
});
