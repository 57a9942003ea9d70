import { ConflictException, ForbiddenException, HttpException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { RetryLaterError, UnrecoverableError } from '../../../lib/handlers/handler.errors.js';
import {
  DEFAULT_RETRY_OPTIONS,
  delayAfter,
  endlessDelayAfter,
  isPermanentRefusal,
  nextDelay,
} from '../../../lib/handlers/retry-policy.js';

const options = { ...DEFAULT_RETRY_OPTIONS, jitter: 0 };
const failed = (error: unknown, attempt = 1, entered = true) => ({ error, attempt, entered });

describe('nextDelay', () => {
  it('doubles from 100 ms to the cap, and gives up after the last attempt', () => {
    const delays = Array.from({ length: 10 }, (_, i) => nextDelay(i + 1, options, 0.5));
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, undefined]);
    expect(nextDelay(40, { ...options, maxAttempts: 50 }, 0.5)).toBe(30_000);
    expect(nextDelay(5_000, { ...options, maxAttempts: Number.POSITIVE_INFINITY }, 0.5)).toBe(30_000);
  });

  it('spreads each wait by the jitter, and never beyond the cap', () => {
    expect(nextDelay(1, DEFAULT_RETRY_OPTIONS, 0)).toBeCloseTo(80);
    expect(nextDelay(1, DEFAULT_RETRY_OPTIONS, 1)).toBeCloseTo(120);
    expect(nextDelay(20, { ...DEFAULT_RETRY_OPTIONS, maxAttempts: 30 }, 1)).toBe(30_000);
  });
});

describe('delayAfter', () => {
  it('gives up at once after an UnrecoverableError', () => {
    expect(delayAfter(failed(new UnrecoverableError()), options, 0.5)).toBeUndefined();
  });

  it('waits as long as a RetryLaterError asks, at most the cap, and counts it as an attempt', () => {
    expect(delayAfter(failed(new RetryLaterError(5_000)), options, 0.5)).toBe(5_000);
    expect(delayAfter(failed(new RetryLaterError(1e9)), options, 0.5)).toBe(30_000);
    expect(delayAfter(failed(new RetryLaterError(-5)), options, 0.5)).toBe(0);
    expect(delayAfter(failed(new RetryLaterError(Number.NaN)), options, 0.5)).toBe(0);
    expect(delayAfter(failed(new RetryLaterError(5), 10), options, 0.5)).toBeUndefined();
  });

  it('takes a 4xx before the handler was entered for permanent, and after it for a failure like others', () => {
    expect(delayAfter(failed(new ForbiddenException(), 1, false), options, 0.5)).toBeUndefined();
    expect(delayAfter(failed(new ForbiddenException(), 1, true), options, 0.5)).toBe(100);
    expect(delayAfter(failed(new ConflictException(), 1, false), options, 0.5)).toBe(100);
  });
});

describe('isPermanentRefusal', () => {
  it.each([400, 401, 403, 404, 410, 422, 451, 499])('is true for %i', (status) => {
    expect(isPermanentRefusal(new HttpException('no', status))).toBe(true);
  });

  it.each([200, 399, 408, 409, 423, 425, 429, 500, 503])('is false for %i', (status) => {
    expect(isPermanentRefusal(new HttpException('no', status))).toBe(false);
  });

  it('is false for what only looks like one, and survives one that throws', () => {
    const throws = { getStatus: () => JSON.parse('{') as unknown };
    for (const thrown of [null, undefined, 403, 'no', {}, { getStatus: 403 }, { getStatus: () => '403' }, throws]) {
      expect(isPermanentRefusal(thrown)).toBe(false);
    }
  });
});

describe('endlessDelayAfter', () => {
  it('never gives up, and never waits for longer than the cap', () => {
    expect(endlessDelayAfter(failed(new Error('x'), 2), options, 0.5)).toBe(200);
    expect(endlessDelayAfter(failed(new Error('x'), 500), options, 0.5)).toBe(30_000);
    expect(endlessDelayAfter(failed(new UnrecoverableError()), options, 0.5)).toBe(30_000);
  });
});
