import { describe, expect, it } from 'vitest';
import { diagnostics } from '../../../lib/core/diagnostics.js';
import { DEFAULT_RETRY_OPTIONS } from '../../../lib/handlers/retry-policy.js';
import { eventually } from '../../support/eventually.js';
import type { EventContext } from '../../../lib/handlers/event-context.js';
import { recordChannel } from './support/channels.js';
import { deferred, FakeSource, fail, handler, nOf, setup, turns } from './support/fakes.js';
import type { Deferred } from './support/fakes.js';

/** A handler whose runs a test ends one by one. */
function gated() {
  const runs: { n: number; source: string; gate: Deferred; context: EventContext }[] = [];
  const handle = (data: unknown, context: EventContext) => {
    const gate = deferred();
    runs.push({ n: nOf(data), source: context.id, gate, context });
    return gate.promise;
  };
  return { runs, handle };
}

describe('Dispatcher: a source that is to be given up', () => {
  it('starts nothing more of it, and waits for what runs, which is still settled', async () => {
    const { runs, handle } = gated();
    const { dispatcher, assign, offsets, handles } = setup({ handlers: [handler(handle)], rebalanceDrainMs: 60_000 });
    const source = assign();
    for (const key of ['a', 'a', 'b']) dispatcher.deliver(source.next({ key }));
    let isDone = false;
    const revoked = dispatcher.revoking(source).then(() => (isDone = true));
    dispatcher.deliver(source.next({ key: 'a' }));
    expect(dispatcher.snapshot().consumers[0]?.inFlight).toBe(2);
    runs[0]?.gate.resolve();
    await turns();
    expect(isDone).toBe(false);

    runs[1]?.gate.resolve();
    await revoked;
    expect(runs.map(({ n }) => n)).toEqual([1, 3]);
    expect(offsets()).toEqual([1, 3]);
    dispatcher.lost(source);
    expect(handles.list().filter(({ name }) => name.startsWith('drain'))).toEqual([]);
  });

  it('resolves at once when nothing runs', async () => {
    const { dispatcher, assign } = setup({ handlers: [handler(() => undefined)], rebalanceDrainMs: 60_000 });
    await dispatcher.revoking(assign());
  });

  it('raises the signals at the drain deadline and lets it go, naming what still runs', async () => {
    const { runs, handle } = gated();
    const { dispatcher, assign, logger, offsets } = setup({ handlers: [handler(handle)], rebalanceDrainMs: 20 });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'slow' }));
    await dispatcher.revoking(source);
    expect(runs[0]?.context.signal.aborted).toBe(true);
    expect(runs[0]?.context.signal.reason).toMatchObject({ code: 'EVENT_BUS_ABORTED' });
    expect(logger.at('warn').join()).toContain('Ledger.onPlaced running on orders.placed key "slow", attempt 1');
    expect(dispatcher.snapshot()).toMatchObject({
      leftBehind: { why: 'rebalance', source: source.name, count: 1 },
      totals: { overlapsAfterDeadline: 1 },
    });

    dispatcher.lost(source);
    runs[0]?.gate.resolve();
    await turns();
    expect(offsets()).toEqual([]);
  });

  it('does not try a failed handler again', async () => {
    const { runs, handle } = gated();
    const { dispatcher, assign, offsets, letters } = setup({ handlers: [handler(handle)], rebalanceDrainMs: 60_000 });
    const source = assign();
    dispatcher.deliver(source.next());
    const revoked = dispatcher.revoking(source);
    runs[0]?.gate.reject(new Error('failed'));
    await revoked;
    await turns();
    expect(runs).toHaveLength(1);
    expect(offsets()).toEqual([]);
    expect(letters).toEqual([]);
  });

  it('drops what backs off', async () => {
    const retry = { maxAttempts: 9, initialDelayMs: 60_000, multiplier: 1, maxDelayMs: 60_000, jitter: 0 };
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(fail, { retry })], rebalanceDrainMs: 60_000 });
    const source = assign();
    dispatcher.deliver(source.next());
    await dispatcher.revoking(source);
    expect(offsets()).toEqual([]);
    expect(dispatcher.snapshot().consumers[0]?.inFlight).toBe(0);
  });

  it('settles nothing of an event with two handlers of which one was dropped', async () => {
    const { runs, handle } = gated();
    const handlers = [handler(handle), handler(handle, { name: 'Mails.onPlaced' })];
    const { dispatcher, assign, offsets } = setup({ handlers, rebalanceDrainMs: 60_000 });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    const revoked = dispatcher.revoking(source);
    runs[0]?.gate.resolve();
    await revoked;
    expect(runs).toHaveLength(1);
    expect(offsets()).toEqual([]);
  });

  it('does not hold up another source', async () => {
    const { runs, handle } = gated();
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(handle)], rebalanceDrainMs: 60_000 });
    const [leaving, staying] = [assign(), assign(new FakeSource('other'))];
    dispatcher.deliver(leaving.next({ key: 'a' }));
    dispatcher.deliver(staying.next({ key: 'b' }));
    dispatcher.deliver(staying.next({ key: 'b' }));
    const revoked = dispatcher.revoking(leaving);
    runs[1]?.gate.resolve();
    await turns();
    runs[2]?.gate.resolve();
    await turns();
    expect(offsets()).toEqual([1, 2]);
    runs[0]?.gate.resolve();
    await revoked;
  });
});

describe('Dispatcher: a source that was lost', () => {
  it('drops what is queued, raises the signals of what runs, and settles no late success', async () => {
    const { runs, handle } = gated();
    const { dispatcher, assign, offsets, letters } = setup({
      handlers: [handler(handle, { retry: { ...DEFAULT_RETRY_OPTIONS, maxAttempts: 1 } })],
    });
    const source = assign();
    for (const key of ['a', 'a', 'b']) dispatcher.deliver(source.next({ key }));
    dispatcher.lost(source);
    dispatcher.lost(source);
    expect(runs.map(({ context }) => context.signal.aborted)).toEqual([true, true]);
    runs[0]?.gate.resolve();
    runs[1]?.gate.reject(new Error('failed'));
    await turns();
    expect(runs).toHaveLength(2);
    expect(offsets()).toEqual([]);
    expect(letters).toEqual([]);
  });

  it('names what ran, and counts it as an exception to the order of its key', async () => {
    const overlaps = recordChannel(diagnostics.overlap);
    const reports = recordChannel(diagnostics.leftBehind);
    const { runs, handle } = gated();
    const { dispatcher, assign, logger } = setup({ handlers: [handler(handle)] });
    const source = assign();
    for (const key of ['a', 'a', 'b']) dispatcher.deliver(source.next({ key }));
    dispatcher.lost(source);
    const running = [
      { key: 'a', eventId: 'e1', handler: 'Ledger.onPlaced' },
      { key: 'b', eventId: 'e3', handler: 'Ledger.onPlaced' },
    ];
    expect(overlaps).toMatchObject(running.map((facts) => ({ why: 'loss', topic: 'orders.placed', ...facts })));
    expect(reports).toMatchObject([{ why: 'loss', source: source.name, events: running }]);
    expect(dispatcher.snapshot()).toMatchObject({
      leftBehind: { why: 'loss', count: 2 },
      totals: { overlapsAfterLoss: 2 },
    });
    expect(logger.at('warn').join()).toContain('was lost: 2 events are left unfinished');
    for (const { gate } of runs) gate.resolve();
    await turns();
  });

  it('is no exception to order when nothing of it ran', async () => {
    const overlaps = recordChannel(diagnostics.overlap);
    const { dispatcher, assign } = setup({ handlers: [handler(() => undefined)] });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    await dispatcher.revoking(source);
    dispatcher.lost(source);
    expect(overlaps).toEqual([]);
    expect(dispatcher.snapshot().leftBehind).toBeUndefined();
  });

  it('lets go whoever waits for its drain', async () => {
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise)], rebalanceDrainMs: 60_000 });
    const source = assign();
    dispatcher.deliver(source.next());
    const revoked = dispatcher.revoking(source);
    dispatcher.lost(source);
    await revoked;
  });

  it('makes a partition that was gained again wait for a handler of the earlier period', async () => {
    const { runs, handle } = gated();
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(handle)] });
    const before = assign();
    dispatcher.deliver(before.next({ key: 'a', id: 'before' }));
    dispatcher.lost(before);
    const after = assign(new FakeSource());
    dispatcher.deliver(after.next({ key: 'a', id: 'after' }));
    dispatcher.deliver(after.next({ key: 'b', id: 'other' }));
    await turns();
    expect(runs.map(({ source }) => source)).toEqual(['before', 'other']);

    runs[0]?.gate.resolve();
    await eventually(() => expect(runs.map(({ source }) => source)).toEqual(['before', 'other', 'after']));
    runs[2]?.gate.resolve();
    await turns();
    expect(offsets()).toEqual([1]);
  });
});
