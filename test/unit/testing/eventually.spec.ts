import { describe, expect, it } from 'vitest';
import { eventually } from '../../../lib/testing/eventually.js';

describe('eventually', () => {
  it('resolves with what the assertion returned, once it holds', async () => {
    let tries = 0;
    const third = (): number => {
      tries += 1;
      if (tries < 3) throw new Error('not yet');
      return tries;
    };

    expect(await eventually(third, { intervalMs: 1 })).toBe(3);
  });

  it('gives up after its time, with the last failure as the cause', async () => {
    const failure = new Error('never');
    const giveUp = eventually(() => Promise.reject(failure), { timeoutMs: 10, intervalMs: 1 });

    await expect(giveUp).rejects.toMatchObject({
      message: 'Did not hold within 10 ms. Last failure: never',
      cause: failure,
    });
  });
});
