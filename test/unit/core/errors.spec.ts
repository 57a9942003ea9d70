import { describe, expect, it } from 'vitest';
import { lookable, messageOf, toError } from '../../../lib/core/errors.js';

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const unreadable = Object.defineProperty(new Error('hidden'), 'message', {
  get: () => {
    throw new Error('not this one');
  },
});
const HOSTILE: readonly (readonly [string, unknown])[] = [
  ['a revoked Proxy', revoked],
  ['an error whose message cannot be read', unreadable],
  ['an error whose message is a symbol', Object.assign(new Error('x'), { message: Symbol('x') })],
  ['an object without a prototype', Object.create(null)],
  ['a symbol', Symbol('x')],
  ['nothing', undefined],
];

describe('whatever was thrown', () => {
  it.each(HOSTILE)('is looked at without throwing: %s', (_, thrown) => {
    expect(toError(thrown)).toBeInstanceOf(Error);
    expect(messageOf(thrown)).toEqual(expect.any(String));
    expect(() => lookable(thrown) instanceof Error).not.toThrow();
  });

  it('is kept as it is when it can be looked at', () => {
    const error = new Error('x');
    expect([toError(error), lookable(error), lookable('text')]).toEqual([error, error, 'text']);
    expect([messageOf(error), messageOf('text')]).toEqual(['x', 'A non-error was thrown: text']);
  });
});
