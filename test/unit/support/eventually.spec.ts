import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';

const FAST = { timeoutMs: 60, intervalMs: 1 };

describe('eventually', () => {
  it('repeats an assertion until it holds, and gives what it returned', async () => {
    let tries = 0;
    const value = await eventually(() => {
      tries += 1;
      expect(tries).toBe(3);
      return `try ${tries}`;
    }, FAST);

    expect(value).toBe('try 3');
  });

  it('waits for a promise', async () => {
    let tries = 0;
    await eventually(async () => {
      await Promise.resolve();
      tries += 1;
      expect(tries).toBe(2);
    }, FAST);

    expect(tries).toBe(2);
  });

  it('fails with the last failure as its cause', async () => {
    const attempt = eventually(() => expect('apples').toBe('pears'), FAST);

    await expect(attempt).rejects.toThrow(/Did not hold within 60 ms .* expected 'apples' to be 'pears'/);
    await expect(attempt).rejects.toHaveProperty('cause.name', 'AssertionError');
  });

  it('fails in time when the assertion itself never ends', async () => {
    const attempt = eventually(() => new Promise<void>(() => undefined), FAST);

    await expect(attempt).rejects.toThrow(/the assertion never ended/);
  });
});
