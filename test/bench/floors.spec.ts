import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Floor, type Floors, judge, readFloors, strangersIn, WEAK } from '../../bench/src/run/floors.js';
import type { Measured, Verdict } from '../../bench/src/run/results.js';

const FLOOR: Floor = {
  id: 'speed',
  what: 'ours / raw',
  of: 'nats/publish/ours',
  against: 'nats/publish/raw',
  atLeast: 4,
};
const REFERENCES: Floor = { ...FLOOR, id: 'valid', of: 'nats/publish/raw', against: 'nats/publish/slow' };

function measured(id: string, rate?: number, by: Measured['by'] = 'raw'): Measured {
  const repetition = { events: rate ?? 0, seconds: 1, clientMicros: 1, brokerMicros: undefined, faults: [] };
  return { id, title: id, by, repetitions: rate === undefined ? [] : [repetition], faults: [], findings: [] };
}

function floors(ratios: readonly Floor[], validity: readonly Floor[] = []): Floors {
  return { quickShare: 0.8, validity, ratios };
}

function one(verdicts: readonly Verdict[], id = 'speed'): Partial<Verdict> | undefined {
  return verdicts.find((verdict) => verdict.id === id);
}

describe('floors', () => {
  it('fall where the ratio is below', () => {
    const run = [measured('nats/publish/ours', 390), measured('nats/publish/raw', 100)];

    expect(one(judge(run, false, floors([FLOOR])))).toMatchObject({ value: 3.9, isMet: false, counts: true });
    expect(one(judge(run, false, floors([{ ...FLOOR, atLeast: 3.9 }])))).toMatchObject({ isMet: true, counts: true });
  });

  it('ask a share of it of a quick run, and nothing where they are for full runs', () => {
    const run = [measured('nats/publish/ours', 330), measured('nats/publish/raw', 100)];

    expect(one(judge(run, true, floors([{ ...FLOOR, quick: true }])))).toMatchObject({ isMet: true, counts: true });
    expect(one(judge(run, true, floors([FLOOR])))).toMatchObject({ counts: false, unless: 'in full runs only' });
  });

  it('do not count, not even when met, in a suite whose references do not hold their own, and the references fall', () => {
    const run = [
      measured('nats/publish/ours', 900),
      measured('nats/publish/raw', 100),
      measured('nats/publish/slow', 50),
      measured('kafka/publish/ours', 900),
      measured('kafka/publish/raw', 100),
    ];
    const other: Floor = { ...FLOOR, id: 'other', of: 'kafka/publish/ours', against: 'kafka/publish/raw' };
    const verdicts = judge(run, false, floors([FLOOR, other], [REFERENCES]));

    expect(one(verdicts, 'valid')).toMatchObject({ isMet: false, counts: true });
    expect(one(verdicts)).toMatchObject({ isMet: true, counts: false, unless: WEAK });
    expect(one(verdicts, 'other')).toMatchObject({ isMet: true, counts: true });
  });

  it('stand unmet where a decision accepts less, and fall below what it accepts', () => {
    const decided = floors([{ ...FLOOR, adr: '0012', accepted: 3 }]);
    const at = (rate: number): Measured[] => [measured('nats/publish/ours', rate), measured('nats/publish/raw', 100)];

    expect(one(judge(at(350), false, decided))).toMatchObject({
      isMet: false,
      counts: false,
      unless: 'accepted in ADR 12',
    });
    expect(one(judge(at(290), false, decided))).toMatchObject({ isMet: false, counts: true });
    expect(one(judge(at(400), false, decided))).toMatchObject({ isMet: true, counts: true });
  });

  it('fall where ours has no figure, and do not count where a peer has none', () => {
    const ours = [measured('nats/publish/ours'), measured('nats/publish/raw', 100)];
    const peers = [measured('nats/publish/ours', 400), measured('nats/publish/raw', undefined, 'peer')];

    expect(one(judge(ours, false, floors([FLOOR])))).toMatchObject({ value: undefined, isMet: false, counts: true });
    expect(one(judge(peers, false, floors([FLOOR])))).toMatchObject({ value: undefined, isMet: false, counts: false });
  });

  it('are not judged where one of the two was not measured', () => {
    expect(judge([measured('nats/publish/ours', 1)], false, floors([FLOOR]))).toEqual([]);
  });

  it('that name a configuration which a suite does not have are told', () => {
    const known = [{ id: 'nats/publish/ours' }];
    const elsewhere: Floor = { ...FLOOR, of: 'kafka/publish/ours', against: 'kafka/publish/raw' };

    expect(strangersIn(floors([FLOOR, elsewhere]), known)).toEqual(['nats/publish/raw']);
  });
});

describe('floors.json', () => {
  const { validity, ratios } = readFloors();
  const decisions = readdirSync(join(import.meta.dirname, '..', '..', 'docs', 'adr')).map((name) => name.slice(0, 4));

  it('has each floor once, with one limit', () => {
    const ids = [...validity, ...ratios].map(({ id }) => id);

    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, atLeast, atMost } of [...validity, ...ratios])
      expect([id, [atLeast, atMost].filter((limit) => limit !== undefined)]).toEqual([id, [expect.any(Number)]]);
  });

  it('accepts less only where a decision says so', () => {
    for (const { id, adr, accepted } of [...validity, ...ratios].filter((floor) => floor.adr ?? floor.accepted)) {
      expect([id, decisions]).toEqual([id, expect.arrayContaining([adr])]);
      expect([id, accepted]).toEqual([id, expect.any(Number)]);
    }
  });
});
