import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentDecode, percentEncode } from '../../../lib/envelope/percent.js';

describe('percentEncode', () => {
  it('encodes space, quote, percent and everything but printable ASCII', () => {
    expect(percentEncode('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80');
    expect(percentEncode('"100%"\r\n\0\x7f')).toBe('%22100%25%22%0D%0A%00%7F');
  });

  it('leaves the rest alone', () => {
    expect(percentEncode('0195-ab:c/d?e=f&g~')).toBe('0195-ab:c/d?e=f&g~');
  });
});

describe('percentDecode', () => {
  it('reads back every text, through a header of printable ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const encoded = percentEncode(text);
        expect(encoded).toMatch(/^[!-~]*$/);
        expect(percentDecode(encoded)).toBe(text);
      }),
    );
  });

  it.each([
    ['%e2%82%ac', '€'],
    ['50%', '50%'],
    ['%zz%41', '%zzA'],
    ['"quoted \\"x\\" %41"', 'quoted "x" A'],
    ['"', '"'],
    ['%2541', '%41'],
  ])('reads %s as %s', (header, expected) => {
    expect(percentDecode(header)).toBe(expected);
  });

  it.each(['%C0%A0', '%ff', 'a%E2%82b', '%ED%A0%80'])('refuses %s, which is not UTF-8', (header) => {
    expect(percentDecode(header)).toBeUndefined();
  });
});
