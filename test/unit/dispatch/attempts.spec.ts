import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { diagnostics } from '../../../lib/core/diagnostics.js';
import type { EventContext } from '../../../lib/handlers/event-context.js';
import { recordChannel } from './support/channels.js';
import { deferred, handler, nOf, setup } from './support/fakes.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Rejects when its signal is raised; succeeds the second time. */
const untilAborted = (_: unknown, { signal, attempt }: EventContext) =>
  attempt > 1
    ? undefined
    : new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('Dispatcher: time-outs', () => {
  it('raises the signal after timeoutMs, and a handler that still resolves has succeeded', async () => {
    const gate = deferred();
    let context: EventContext | undefined;
    const handle = (_: unknown, given: EventContext) => {
      context = given;
      return gate.promise;
    };
    const { dispatcher, assign, offsets, letters } = setup({ handlers: [handler(handle, { timeoutMs: 1_000 })] });
    dispatcher.deliver(assign().next());
    await advance(900);
    expect(context?.signal.aborted).toBe(false);
    await advance(500);
    expect(context?.signal.aborted).toBe(true);
    expect(context?.signal.reason).toMatchObject({ code: 'EVENT_BUS_HANDLER_TIMEOUT' });

    gate.resolve();
    await advance(1);
    expect(offsets()).toEqual([1]);
    expect(letters).toEqual([]);
  });

  it("keeps lane and worker for as long as the handler runs under 'wait', and never runs it twice at once", async () => {
    const gate = deferred();
    const begun: number[] = [];
    const handle = (data: unknown) => {
      begun.push(nOf(data));
      return gate.promise;
    };
    const { dispatcher, assign, offsets, pools } = setup({ handlers: [handler(handle, { timeoutMs: 1_000 })] });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    await advance(600_000);
    expect(begun).toEqual([1]);
    expect(pools.keyed.state.running).toBe(1);
    gate.resolve();
    await advance(1);
    expect(offsets()).toEqual([1, 2]);
  });

  it("gives up 30 s after the signal under 'dead-letter': the lane goes on, and the late end is only counted", async () => {
    const gate = deferred();
    const begun: number[] = [];
    const handle = (data: unknown) => {
      begun.push(nOf(data));
      return nOf(data) === 1 ? gate.promise : undefined;
    };
    const overlaps = recordChannel(diagnostics.overlap);
    const options = { timeoutMs: 1_000, onTimeout: 'dead-letter' } as const;
    const { dispatcher, assign, offsets, letters, pools } = setup({ handlers: [handler(handle, options)] });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    dispatcher.deliver(source.next({ key: 'a' }));
    await advance(30_000);
    expect(begun).toEqual([1]);
    await advance(2_000);
    expect(begun).toEqual([1, 2]);
    expect(offsets()).toEqual([1, 2]);
    expect(letters).toMatchObject([{ attempts: 1, error: { code: 'EVENT_BUS_HANDLER_TIMEOUT' } }]);
    expect(pools.keyed.state.running).toBe(0);
    expect(overlaps).toMatchObject([{ why: 'timeout', key: 'a', handler: 'Ledger.onPlaced', eventId: 'e1' }]);

    gate.reject(new Error('late'));
    await advance(1);
    expect(offsets()).toEqual([1, 2]);
    expect(dispatcher.snapshot().totals).toMatchObject({
      endedLate: 1,
      handled: 1,
      retried: 0,
      deadLettersStored: 1,
      overlapsAfterTimeout: 1,
    });
  });

  it('does not wait at a drain for what was given up on, nor name it as left', async () => {
    const options = { timeoutMs: 1_000, onTimeout: 'dead-letter' } as const;
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise, options)] });
    const source = assign();
    dispatcher.deliver(source.next({ key: 'a' }));
    await advance(32_000);
    const drained = dispatcher.drain(60_000);
    await advance(1);
    expect(await drained).toEqual([]);
    dispatcher.lost(source);
    expect(dispatcher.snapshot().totals).toMatchObject({ overlapsAfterTimeout: 1, overlapsAfterLoss: 0 });
    dispatcher.close();
  });

  it("retries a handler that rejects after its signal, under 'dead-letter' too", async () => {
    const options = { timeoutMs: 1_000, onTimeout: 'dead-letter' } as const;
    const { dispatcher, assign, offsets, letters } = setup({ handlers: [handler(untilAborted, options)] });
    dispatcher.deliver(assign().next());
    await advance(2_000);
    expect(offsets()).toEqual([1]);
    expect(letters).toEqual([]);
  });

  it('never gives up on a handler of a dead-letter topic', async () => {
    const topic = 'dead.billing.x';
    const options = { timeoutMs: 1_000, onTimeout: 'dead-letter', patterns: [topic] } as const;
    const { dispatcher, assign, letters, pools } = setup({ handlers: [handler(() => deferred().promise, options)] });
    dispatcher.deliver(assign().next({ topic }));
    await advance(60_000);
    expect(letters).toEqual([]);
    expect(pools.keyed.state.running).toBe(1);
  });

  it('has one timer while something runs, and none while nothing does', async () => {
    const gates = [deferred(), deferred()];
    const handle = (data: unknown) => gates[nOf(data) - 1]?.promise;
    const { dispatcher, assign, handles } = setup({ handlers: [handler(handle)] });
    const source = assign();
    expect(handles.size).toBe(0);
    dispatcher.deliver(source.next());
    dispatcher.deliver(source.next());
    expect(handles.list().map(({ kind }) => kind)).toEqual(['timer']);
    expect(vi.getTimerCount()).toBe(1);

    for (const gate of gates) gate.resolve();
    await advance(2_000);
    expect(handles.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('shows what runs longest', async () => {
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise)] });
    const since = performance.now();
    const source = assign();
    dispatcher.deliver(source.next({ key: 'k' }));
    await advance(10);
    dispatcher.deliver(source.next({ key: 'later' }));
    const longest = { handler: 'Ledger.onPlaced', topic: 'orders.placed', key: 'k', since };
    expect(dispatcher.snapshot().pools.keyed.longestRunning).toEqual(longest);
  });

  it('watches an attempt that follows one that took too long like any other', async () => {
    const contexts: EventContext[] = [];
    const gates = [deferred(), deferred()];
    const handle = (data: unknown, context: EventContext) => {
      contexts.push(context);
      return gates[nOf(data) - 1]?.promise;
    };
    const { dispatcher, assign } = setup({ handlers: [handler(handle, { timeoutMs: 1_000 })] });
    const source = assign();
    dispatcher.deliver(source.next());
    await advance(2_000);
    gates[0]?.resolve();
    await advance(1);
    dispatcher.deliver(source.next());
    await advance(900);
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    await advance(500);
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  it('uses attempts again without mixing them up', async () => {
    const { dispatcher, assign, offsets } = setup({
      handlers: [handler((_, { attempt }) => (attempt < 2 ? Promise.reject(new Error('once')) : Promise.resolve()))],
    });
    const source = assign();
    for (let i = 0; i < 50; i += 1) {
      dispatcher.deliver(source.next({ key: `k${i % 7}` }));
      if (i % 5 === 0) await advance(3);
    }
    await advance(1_000);
    expect(offsets().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(dispatcher.snapshot().totals).toMatchObject({ handled: 50, retried: 50 });
  });
});
