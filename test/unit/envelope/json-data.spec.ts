import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidKeyError } from '../../../lib/envelope/envelope.errors.js';
import { toJson } from '../../../lib/envelope/json-data.js';

class Order {
  constructor(
    readonly id: string,
    readonly lines: readonly number[],
  ) {}
  total(): number {
    return this.lines.length;
  }
}

class Money {
  constructor(private readonly cents: number) {}
  toJSON(): string {
    return (this.cents / 100).toFixed(2);
  }
}

/** Without the names that are refused: once in some ten thousand runs the generator makes one. */
function isNamedHarmlessly(data: unknown): boolean {
  return !/"(?:__proto__|constructor|prototype)"/.test(JSON.stringify(data));
}

describe('toJson', () => {
  it.each([
    ['plain data', { a: [1, 'x', true, null, { b: {} }] }, '{"a":[1,"x",true,null,{"b":{}}]}'],
    ['a Date as its ISO text', [new Date(0)], '["1970-01-01T00:00:00.000Z"]'],
    ['an instance by its own properties', new Order('o', [1]), '{"id":"o","lines":[1]}'],
    ['what toJSON says', { price: new Money(150) }, '{"price":"1.50"}'],
    ['no undefined properties', { a: undefined, b: 1 }, '{"b":1}'],
    ['lone surrogates escaped', 'a\ud800', '"a\\ud800"'],
    ['a constructor that is data', { constructor: { a: 1 } }, '{"constructor":{"a":1}}'],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['inherited functions not at all', Object.create({ f: () => 1 }), '{}'],
  ])('writes %s', (_, data, expected) => {
    expect(toJson(data, 200)).toBe(expected);
  });

  const circular: Record<string, unknown> = { a: {} };
  circular['a'] = { back: circular };

  it.each([
    ['undefined', undefined, 'data', /undefined/],
    ['a function', () => 1, 'data', /function/],
    ['a symbol', Symbol('s'), 'data', /symbol/],
    ['a BigInt', { lines: [{ id: 1n }] }, 'data.lines[0].id', /BigInt/],
    ['NaN', { a: [0, Number.NaN] }, 'data.a[1]', /NaN/],
    ['Infinity', Number.POSITIVE_INFINITY, 'data', /Infinity/],
    ['an invalid Date', { at: new Date(Number.NaN) }, 'data.at', /invalid Date/],
    ['undefined in an array', [1, undefined], 'data[1]', /undefined/],
    ['a hole in an array', Array(1), 'data[0]', /undefined/],
    ['a function among properties', { f: () => 1 }, 'data.f', /function/],
    ['a symbol among properties', { s: Symbol('s') }, 'data.s', /symbol/],
    ['circular data', circular, 'data.a.back', /circular/],
    ['a __proto__ key', JSON.parse('{"a":{"__proto__":1}}'), 'data.a.__proto__', /no reader accepts/],
    ['a constructor with a prototype', { constructor: { prototype: 1 } }, 'data.constructor', /no reader accepts/],
    ['a Map', { m: new Map([[1, 2]]) }, 'data.m', /Map/],
    ['a Set', new Set([1]), 'data', /Set/],
    ['a Promise', Promise.resolve(1), 'data', /Promise/],
    ['an Error', { error: new Error('x') }, 'data.error', /Error/],
    ['an Error with properties', { e: Object.assign(new Error('x'), { code: 'E' }) }, 'data.e', /Error/],
    ['an error of the library', { e: new InvalidKeyError('x') }, 'data.e', /Error/],
    ['a Map with properties', Object.assign(new Map(), { a: 1 }), 'data', /Map/],
    ['bytes among properties', { bytes: Uint8Array.of(1) }, 'data.bytes', /Uint8Array/],
    ['what toJSON says when that is a BigInt', { a: { toJSON: () => 1n } }, 'data.a', /BigInt/],
  ])('refuses %s and says where', (_, data, path, why) => {
    expect(() => toJson(data, 200)).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_DATA_NOT_SERIALIZABLE', path, message: expect.stringMatching(why) }),
    );
  });

  it('refuses data 100,000 deep, and data deeper than readers take', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => toJson(deep, 200)).toThrow(/nested deeper/);
    expect(() => toJson([[1]], 1)).toThrow(/nested deeper/);
    expect(toJson([[1]], 2)).toBe('[[1]]');
  });

  it('keeps the cause when the data throws while it is read', () => {
    const cause = new Error('no');
    const data = {
      get a(): never {
        throw cause;
      },
    };
    expect(() => toJson(data, 200)).toThrow(
      expect.objectContaining({ code: 'EVENT_BUS_DATA_NOT_SERIALIZABLE', cause }),
    );
  });

  it('writes what it takes so that it reads back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue().filter(isNamedHarmlessly), (data) => {
        expect(JSON.parse(toJson(data, 200))).toEqual(JSON.parse(JSON.stringify(data)));
      }),
    );
  });

  it('writes the same as JSON.stringify or refuses, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), (data) => {
        let text: string | undefined;
        try {
          text = toJson(data, 200);
        } catch (error) {
          expect(error).toMatchObject({ code: 'EVENT_BUS_DATA_NOT_SERIALIZABLE' });
        }
        if (text !== undefined) expect(text).toBe(JSON.stringify(data));
      }),
    );
  });
});
