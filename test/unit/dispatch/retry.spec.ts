import { ForbiddenException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { diagnostics } from '../../../lib/core/diagnostics.js';
import { RetryLaterError, UnrecoverableError } from '../../../lib/handlers/handler.errors.js';
import { DEFAULT_RETRY_OPTIONS } from '../../../lib/handlers/retry-policy.js';
import { eventually } from '../../support/eventually.js';
import { deferred, fail, handler, nOf, setup, turns } from './support/fakes.js';

const retry = { ...DEFAULT_RETRY_OPTIONS, maxAttempts: 3, initialDelayMs: 5, jitter: 0 };

const giveUp = (): Promise<never> => Promise.reject(new UnrecoverableError());

const refuse = (): never => {
  throw new ForbiddenException();
};

describe('Dispatcher: retry', () => {
  it('tries again until the handler succeeds, with a context of its own and a freshly decoded body each time', async () => {
    const seen: { data: object; context: object; attempt: number }[] = [];
    const handle = async (data: unknown, context: { attempt: number }) => {
      if (typeof data === 'object' && data !== null)
        seen.push({ data: { ...data }, context, attempt: context.attempt });
      Object.assign(data ?? {}, { spoilt: true });
      await Promise.resolve();
      if (context.attempt < 3) throw new Error('not yet');
    };
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(handle, { retry })] });
    dispatcher.deliver(assign().next());
    await eventually(() => expect(offsets()).toEqual([1]));
    expect(seen.map(({ data, attempt }) => [data, attempt])).toEqual([
      [{ n: 1 }, 1],
      [{ n: 1 }, 2],
      [{ n: 1 }, 3],
    ]);
    expect(new Set(seen.map(({ context }) => context)).size).toBe(3);
    expect(dispatcher.snapshot().totals).toMatchObject({ handled: 1, retried: 2, deadLettersStored: 0 });
  });

  it('takes a synchronous throw for a rejection', async () => {
    const { dispatcher, assign, offsets, letters } = setup({ handlers: [handler(fail, { retry })] });
    dispatcher.deliver(assign().next());
    await eventually(() => expect(offsets()).toEqual([1]));
    expect(letters).toMatchObject([{ attempts: 3, handler: 'Ledger.onPlaced', error: { message: 'failed' } }]);
  });

  it('lets no later event of the key run while an earlier one is tried again, and does not take a worker meanwhile', async () => {
    const order: string[] = [];
    const handle = (data: unknown, { attempt, key }: { attempt: number; key: string | undefined }) => {
      order.push(`${key}${nOf(data)}#${attempt}`);
      if (nOf(data) === 1 && attempt < 3) throw new Error('not yet');
    };
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(handle, { retry })], workers: 1 });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'b' }));
    expect(order).toEqual(['a1#1', 'b3#1']);
    await eventually(() => expect(offsets()).toEqual([3, 1, 2]));
    expect(order).toEqual(['a1#1', 'b3#1', 'a1#2', 'a1#3', 'a2#1']);
  });

  it('goes on with the next event of the key after a dead letter', async () => {
    const { dispatcher, assign, offsets, letters } = setup({
      handlers: [handler((data) => (nOf(data) === 1 ? fail() : undefined), { retry })],
    });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    await eventually(() => expect(offsets()).toEqual([1, 2]));
    expect(letters).toHaveLength(1);
  });

  it('makes a dead letter at once of an UnrecoverableError, and of a refusal before the handler was entered', async () => {
    const handlers = [
      handler(giveUp, { retry, name: 'A.a' }),
      handler(refuse, { retry, name: 'B.b', patterns: ['guarded'], refuses: true }),
    ];
    const { dispatcher, assign, offsets, letters } = setup({ handlers });
    const source = assign();
    dispatcher.deliver(source.next());
    dispatcher.deliver(source.next({ topic: 'guarded' }));
    await turns();
    expect(new Set(offsets())).toEqual(new Set([1, 2]));
    expect(new Set(letters.map(({ handler: name, attempts }) => `${name} ${attempts}`))).toEqual(
      new Set(['A.a 1', 'B.b 1']),
    );
  });

  it('waits as a RetryLaterError asks, which counts as an attempt', async () => {
    const attempts: number[] = [];
    const handle = (_: unknown, { attempt }: { attempt: number }) => {
      attempts.push(attempt);
      throw new RetryLaterError(1);
    };
    const slow = { ...retry, initialDelayMs: 60_000, maxDelayMs: 60_000 };
    const { dispatcher, assign, letters } = setup({ handlers: [handler(handle, { retry: slow })] });
    dispatcher.deliver(assign().next());
    await eventually(() => expect(letters).toMatchObject([{ attempts: 3, error: { code: 'EVENT_BUS_RETRY_LATER' } }]));
    expect(attempts).toEqual([1, 2, 3]);
  });

  it.each([['a string'], [null], [undefined], [42], [{ code: 7 }], [Symbol('s')], [10n]])(
    'keeps a thrown non-error: %s',
    async (thrown) => {
      const { dispatcher, assign, letters, defects, offsets } = setup({
        handlers: [handler(() => Promise.reject(thrown), { retry: { ...retry, maxAttempts: 1 } })],
      });
      dispatcher.deliver(assign().next());
      await eventually(() => expect(offsets()).toEqual([1]));
      expect(letters[0]?.error).toBeInstanceOf(Error);
      expect(letters[0]?.error.cause).toBe(thrown);
      expect(defects).toEqual([]);
    },
  );

  it('survives a handler that returns a hostile thenable', async () => {
    const hostile = new Proxy({}, { has: () => true, get: fail });
    const { dispatcher, assign, offsets, defects } = setup({
      handlers: [handler(() => hostile, { retry: { ...retry, maxAttempts: 1 } })],
    });
    dispatcher.deliver(assign().next());
    await eventually(() => expect(offsets()).toEqual([1]));
    expect(defects).toEqual([]);
  });

  it('waits for a thenable that is no promise', async () => {
    const gate = deferred();
    const then = (resolve: () => void): void => void gate.promise.then(resolve);
    const thenable = new Proxy({}, { has: () => true, get: () => then });
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(() => thenable)] });
    dispatcher.deliver(assign().next());
    await turns();
    expect(offsets()).toEqual([]);
    gate.resolve();
    await turns();
    expect(offsets()).toEqual([1]);
  });

  it('never gives up on a dead-letter topic, and never makes a dead letter of a dead letter', async () => {
    let runs = 0;
    const handle = () => {
      runs += 1;
      if (runs < 8) throw new UnrecoverableError();
    };
    const fast = { ...retry, maxDelayMs: 1 };
    const handlers = [handler(handle, { retry: fast, patterns: ['dead.billing.orders.placed'] })];
    const { dispatcher, assign, offsets, letters } = setup({ handlers });
    dispatcher.deliver(assign().next({ topic: 'dead.billing.orders.placed' }));
    await eventually(() => expect(offsets()).toEqual([1]));
    expect(letters).toEqual([]);
    expect(runs).toBe(8);
  });

  it('hands a dead letter that cannot be read or decoded over as it is', async () => {
    const seen: unknown[] = [];
    const topic = 'dead.billing.orders.placed';
    const { dispatcher, assign, offsets } = setup({
      handlers: [handler((data) => void seen.push(data), { patterns: [topic] })],
    });
    const body = Buffer.from('{"n":');
    dispatcher.deliver(assign().next({ topic, body, headers: [['unreadable', '1']] }));
    await turns();
    expect(seen).toEqual([body]);
    expect(offsets()).toEqual([1]);
  });

  it('tells the retry channel of every retry, and logs the first one and the giving up', async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => void told.push(message);
    diagnostics.retry.subscribe(listen);
    const { dispatcher, assign, offsets, logger } = setup({ handlers: [handler(fail, { retry })] });
    dispatcher.deliver(assign().next({ key: 'k' }));
    await eventually(() => expect(offsets()).toEqual([1]));
    diagnostics.retry.unsubscribe(listen);

    expect(told).toMatchObject([
      { bus: 'default', group: 'billing', topic: 'orders.placed', eventId: 'e1', attempt: 1, delayMs: 5 },
      { attempt: 2, delayMs: 10 },
    ]);
    expect(logger.lines.map(({ level, fields }) => [level, fields])).toMatchObject([
      ['warn', { topic: 'orders.placed', eventId: 'e1', key: 'k', handler: 'Ledger.onPlaced', attempt: 1, delayMs: 5 }],
      ['warn', { topic: 'orders.placed', eventId: 'e1', key: 'k', handler: 'Ledger.onPlaced', attempt: 3 }],
    ]);
  });
});

describe('Dispatcher: several handlers of one event', () => {
  it('settles once, when all have ended', async () => {
    const gates = [deferred(), deferred()];
    const handlers = gates.map(({ promise }, i) => handler(() => promise, { name: `H.${i}`, pool: 'global' }));
    const { dispatcher, assign, offsets } = setup({ handlers, poolsOf: () => ['global'] });
    dispatcher.deliver(assign().next());
    gates[0]?.resolve();
    await turns();
    expect(offsets()).toEqual([]);
    gates[1]?.resolve();
    await turns();
    expect(offsets()).toEqual([1]);
  });

  it('never runs one that succeeded again because another failed', async () => {
    const runs = { good: 0, bad: 0 };
    const handlers = [
      handler(() => (runs.good += 1), { name: 'H.good', retry }),
      handler(
        () => {
          runs.bad += 1;
          fail();
        },
        { name: 'H.bad', retry, pool: 'global' },
      ),
    ];
    const { dispatcher, assign, offsets, letters } = setup({ handlers, poolsOf: () => ['keyed', 'global'] });
    dispatcher.deliver(assign().next({ key: 'a' }));
    await eventually(() => expect(offsets()).toEqual([1]));
    expect(runs).toEqual({ good: 1, bad: 3 });
    expect(letters.map(({ handler: name }) => name)).toEqual(['H.bad']);
  });
});
