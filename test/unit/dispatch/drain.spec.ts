import { describe, expect, it } from 'vitest';
import { diagnostics } from '../../../lib/core/diagnostics.js';
import { recordChannel } from './support/channels.js';
import { deferred, fail, handler, setup, turns } from './support/fakes.js';

describe('Dispatcher: drain', () => {
  it('runs what is queued, and what still comes in, to its end', async () => {
    const { dispatcher, assign, offsets, handles } = setup({ handlers: [handler(() => turns(1))], workers: 1 });
    const source = assign();
    for (let i = 0; i < 5; i += 1) dispatcher.deliver(source.next({ key: 'a' }));
    const drained = dispatcher.drain(60_000);
    dispatcher.deliver(source.next({ key: 'b' }));
    expect(await drained).toEqual([]);
    expect(offsets()).toHaveLength(6);
    dispatcher.close();
    expect(handles.size).toBe(0);
  });

  it('lets an event that backs off have its next attempt within the deadline', async () => {
    const { dispatcher, assign, offsets } = setup({
      handlers: [handler((_, { attempt }) => (attempt < 3 ? fail() : undefined))],
    });
    dispatcher.deliver(assign().next());
    expect(await dispatcher.drain(60_000)).toEqual([]);
    expect(offsets()).toEqual([1]);
  });

  it('raises the signals at the deadline, drops what is queued or backs off, and reports what was left', async () => {
    const gate = deferred();
    const signals: AbortSignal[] = [];
    const handlers = [
      handler((_, { signal }) => {
        signals.push(signal);
        return gate.promise;
      }),
      handler(fail, {
        name: 'Mails.send',
        patterns: ['mails'],
        retry: { maxAttempts: 9, initialDelayMs: 60_000, multiplier: 1, maxDelayMs: 60_000, jitter: 0 },
      }),
    ];
    const { dispatcher, assign, offsets, logger, pools } = setup({ handlers });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ topic: 'mails' }));
    const left = await dispatcher.drain(20);

    expect(left.map(({ handler: name, topic, key, attempt, state }) => [name, topic, key, attempt, state])).toEqual([
      ['Ledger.onPlaced', 'orders.placed', 'a', 1, 'running'],
      ['Mails.send', 'mails', undefined, 1, 'dropped'],
      ['Ledger.onPlaced', 'orders.placed', 'a', 0, 'dropped'],
    ]);
    expect(left.every(({ ageMs }) => ageMs >= 0)).toBe(true);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(offsets()).toEqual([]);
    expect(logger.at('warn').at(-1)).toContain('3 events are left unfinished');

    dispatcher.deliver(source.next({ key: 'b' }));
    expect(signals).toHaveLength(1);
    gate.resolve();
    await pools.keyed.idle();
    expect(offsets()).toEqual([1]);
    dispatcher.close();
  });

  it('tells of what was left in diagnostics and in the snapshot, also after close, with topic, key, handler and ages', async () => {
    const reports = recordChannel(diagnostics.leftBehind);
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise)] });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    expect(dispatcher.snapshot().leftBehind).toBeUndefined();
    await dispatcher.drain(20);
    dispatcher.close();

    const facts = { handler: 'Ledger.onPlaced', topic: 'orders.placed', key: 'a', ageMs: expect.any(Number) };
    const events = [
      { ...facts, eventId: 'e1', state: 'running', runningForMs: expect.any(Number) },
      { ...facts, eventId: 'e2', state: 'dropped', runningForMs: undefined },
    ];
    expect(reports).toMatchObject([{ bus: 'default', why: 'shutdown', source: undefined, events }]);
    expect(dispatcher.snapshot().leftBehind).toMatchObject({ why: 'shutdown', count: 2, lost: 0, events });
  });

  it('counts what runs at the deadline as an exception to the order of its key, once', async () => {
    const overlaps = recordChannel(diagnostics.overlap);
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise)] });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    await dispatcher.drain(5);
    dispatcher.lost(source);
    dispatcher.close();
    expect(overlaps).toMatchObject([{ why: 'deadline', key: 'a', handler: 'Ledger.onPlaced', eventId: 'e1' }]);
    expect(dispatcher.snapshot().totals).toMatchObject({ overlapsAfterDeadline: 1, overlapsAfterLoss: 0 });
  });

  it('keeps a hundred of those that were left, and counts the others', async () => {
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise)], workers: 1 });
    const source = assign();
    for (let i = 0; i < 150; i += 1) dispatcher.deliver(source.next());
    expect(await dispatcher.drain(5)).toHaveLength(150);
    expect(dispatcher.snapshot().leftBehind).toMatchObject({ count: 150 });
    expect(dispatcher.snapshot().leftBehind?.events).toHaveLength(100);
    dispatcher.close();
  });

  it('does not wait for a rebalance after the deadline', async () => {
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise)], rebalanceDrainMs: 60_000 });
    const source = assign();
    dispatcher.deliver(source.next());
    await dispatcher.drain(5);
    await dispatcher.revoking(source);
    dispatcher.close();
  });

  it('starts nothing of a source that is assigned after the deadline', async () => {
    let runs = 0;
    const { dispatcher, assign } = setup({ handlers: [handler(() => (runs += 1))] });
    const slow = assign();
    slow.leaseState = 'unsure';
    dispatcher.deliver(slow.next());
    await dispatcher.drain(5);
    const late = assign();
    expect(late.credit.messages).toBe(0);
    dispatcher.deliver(late.next());
    expect(runs).toBe(0);
  });

  it('counts at-most-once events that are left as lost', async () => {
    const { dispatcher, assign } = setup({
      handlers: [handler(() => deferred().promise)],
      deliveryOf: () => 'at-most-once',
      workers: 1,
    });
    const source = assign();
    dispatcher.deliver(source.next());
    dispatcher.deliver(source.next());
    await turns();
    const left = await dispatcher.drain(5);
    expect(left.map(({ state, isLost }) => [state, isLost])).toEqual([
      ['running', false],
      ['dropped', true],
    ]);
    expect(dispatcher.snapshot().totals.droppedAtMostOnce).toBe(1);
    dispatcher.close();
  });

  it('gives every caller the same answer', async () => {
    const { dispatcher } = setup();
    expect(dispatcher.drain(10)).toBe(dispatcher.drain(99));
    await dispatcher.drain(1);
  });
});
