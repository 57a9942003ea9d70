import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { diagnostics, type StallDiagnostic } from '../../../lib/core/diagnostics.js';
import type { StallFacts } from '../../../lib/dispatch/stalled-sources.js';
import { recordChannel } from './support/channels.js';
import { deferred, fail, type FakeSource, handler, setup, type SetupOptions } from './support/fakes.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const QUIET: StallFacts = { connection: 'connected', isPaused: () => false };

const ENDLESS = { maxAttempts: 1_000, initialDelayMs: 50, multiplier: 1, maxDelayMs: 50, jitter: 0 };

/** A dispatcher that is looked at every 100 ms of the fake time, with a second as the least stall. */
function watched(options: SetupOptions = {}) {
  const all = setup({ stalledAfterMs: 1_000, ...options });
  const events = recordChannel(diagnostics.stall);
  let facts = QUIET;
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      await vi.advanceTimersByTimeAsync(100);
      all.dispatcher.lookForStalls(facts);
    }
  };
  const told = () => events.map((event) => [Object(event).phase, Object(event).kind, Object(event).heldBy]);
  return {
    ...all,
    events,
    told,
    pass,
    given: (change: Partial<StallFacts>) => (facts = { ...QUIET, ...change }),
    stalls: () => all.dispatcher.snapshot().stalls,
  };
}

/** Nothing is behind it: what stalls is in hand. */
function withoutLag(source: FakeSource): FakeSource {
  source.progress.lag = 0;
  return source;
}

describe('Dispatcher: a handler that stalls', () => {
  it('is told of once when it begins and once when it ends, with what it is at', async () => {
    const gate = deferred();
    const { dispatcher, assign, pass, events, stalls, logger } = watched({
      handlers: [handler(() => gate.promise, { timeoutMs: 100 })],
    });
    const source = withoutLag(assign());
    dispatcher.deliver(source.next({ key: 'k' }));
    await pass(1_000);
    expect(events).toEqual([]);
    await pass(2_000);

    const facts = {
      bus: 'default',
      kind: 'handler',
      group: 'billing',
      source: source.name,
      handler: 'Ledger.onPlaced',
      topic: 'orders.placed',
      key: 'k',
      heldBy: 'handler',
    } satisfies Partial<StallDiagnostic>;
    expect(events).toMatchObject([{ ...facts, phase: 'began', forMs: 1_100 }]);
    const why = stalls()[0]?.why;
    expect(why).toMatch(/^Ledger.onPlaced on orders.placed, key "k", attempt 1, has been running for 3000 ms/);
    expect(why).toContain('its signal was raised after timeoutMs 100, lane and worker stay taken until it ends');
    expect(logger.at('warn')).toEqual([expect.stringMatching(/^No progress: Ledger.onPlaced on orders.placed/)]);

    gate.resolve();
    await pass(1_000);
    expect(events).toMatchObject([{ phase: 'began' }, { ...facts, phase: 'ended' }]);
    expect(stalls()).toEqual([]);
    dispatcher.close();
  });

  it('has at least twice its timeoutMs', async () => {
    const handlers = [
      handler(() => deferred().promise, { timeoutMs: 100 }),
      handler(() => deferred().promise, { timeoutMs: 5_000, name: 'Mails.send', patterns: ['mails'] }),
    ];
    const { dispatcher, assign, pass, stalls } = watched({ handlers });
    const source = withoutLag(assign());
    dispatcher.deliver(source.next());
    dispatcher.deliver(source.next({ topic: 'mails' }));
    await pass(9_900);
    expect(stalls().map(({ what }) => what)).toEqual(['Ledger.onPlaced on orders.placed']);
    await pass(200);
    expect(stalls()).toHaveLength(2);
    dispatcher.close();
  });

  it('has 60 s by default', async () => {
    const { dispatcher, assign } = setup({ handlers: [handler(() => deferred().promise, { timeoutMs: 1_000 })] });
    dispatcher.deliver(withoutLag(assign()).next());
    await vi.advanceTimersByTimeAsync(59_000);
    dispatcher.lookForStalls(QUIET);
    expect(dispatcher.snapshot().stalls).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    dispatcher.lookForStalls(QUIET);
    expect(dispatcher.snapshot().stalls).toHaveLength(1);
    dispatcher.close();
  });

  it('still stalls when it was given up on and has not ended', async () => {
    const options = { timeoutMs: 100, onTimeout: 'dead-letter' } as const;
    const { dispatcher, assign, pass, stalls } = watched({ handlers: [handler(() => deferred().promise, options)] });
    dispatcher.deliver(withoutLag(assign()).next({ key: 'k' }));
    await pass(32_000);
    expect(stalls()).toMatchObject([
      { kind: 'handler', why: expect.stringContaining('given up on, and has not ended') },
    ]);
    dispatcher.close();
  });

  it('ends with the watch', async () => {
    const handlers = [handler(() => deferred().promise, { timeoutMs: 100 })];
    const { dispatcher, assign, pass, told, stalls } = watched({ handlers });
    dispatcher.deliver(withoutLag(assign()).next());
    await pass(2_000);
    dispatcher.endStalls();
    expect(told()).toEqual([
      ['began', 'handler', 'handler'],
      ['ended', 'handler', 'handler'],
    ]);
    expect(stalls()).toEqual([]);
    dispatcher.close();
  });
});

describe('Dispatcher: a key that stalls', () => {
  it('says that its event fails again and again, and since when', async () => {
    let isBroken = true;
    const handle = () => (isBroken ? fail() : undefined);
    const { dispatcher, assign, pass, told, stalls } = watched({
      handlers: [handler(handle, { timeoutMs: 100, retry: ENDLESS })],
    });
    dispatcher.deliver(withoutLag(assign()).next({ key: 'k' }));
    await pass(1_000);
    expect(stalls()).toEqual([]);
    await pass(1_000);
    expect(stalls()).toMatchObject([{ kind: 'key', key: 'k', handler: 'Ledger.onPlaced', heldBy: 'backoff' }]);
    expect(stalls()[0]?.why).toMatch(/^Ledger.onPlaced on orders.placed, key "k" has failed for \d+ ms, \d+ attempts$/);

    isBroken = false;
    await pass(200);
    expect(told()).toEqual([
      ['began', 'key', 'backoff'],
      ['ended', 'key', 'backoff'],
    ]);
    dispatcher.close();
  });

  it('says that its dead letter cannot be stored, and why', async () => {
    const store = () => Promise.reject(new Error('no such stream'));
    const retry = { ...ENDLESS, maxAttempts: 1 };
    const { dispatcher, assign, pass, stalls } = watched({
      handlers: [handler(fail, { timeoutMs: 100, retry })],
      store,
    });
    dispatcher.deliver(withoutLag(assign()).next({ key: 'k' }));
    await pass(2_000);
    expect(stalls()).toMatchObject([{ kind: 'key', key: 'k', heldBy: 'dead-letter' }]);
    expect(stalls()[0]?.why).toMatch(
      /^the dead letter of Ledger.onPlaced .* cannot be stored for \d+ ms: no such stream/,
    );
    dispatcher.close();
  });

  it('does not when its events wait for long but get on one after another', async () => {
    const handle = () => new Promise((resolve) => setTimeout(resolve, 300));
    const { dispatcher, assign, pass, events } = watched({ handlers: [handler(handle, { timeoutMs: 100 })] });
    const source = withoutLag(assign());
    for (let i = 0; i < 10; i += 1) dispatcher.deliver(source.next({ key: 'k' }));
    await pass(5_000);
    expect(events).toEqual([]);
    dispatcher.close();
  });

  it('is told of for the hundred that stall longest', async () => {
    const { dispatcher, assign, pass, stalls, logger } = watched({
      handlers: [handler(fail, { timeoutMs: 100, retry: ENDLESS })],
    });
    const source = withoutLag(assign());
    for (let i = 0; i < 120; i += 1) dispatcher.deliver(source.next({ key: `k${i}` }));
    await pass(2_000);
    expect(stalls()).toHaveLength(100);
    expect(logger.at('warn').at(-1)).toContain('; and 90 more.');
    dispatcher.close();
  });
});

describe('Dispatcher: a source that stalls', () => {
  const handlers = [handler(() => undefined, { timeoutMs: 100 })];
  const stuck = [handler(() => deferred().promise, { timeoutMs: 100 })];

  /** Its stall after 2 s, and whatever else there is is left out. */
  const sourceStall = async ({ pass, stalls }: ReturnType<typeof watched>) => {
    await pass(2_000);
    return stalls().filter(({ kind }) => kind === 'source');
  };

  it('is behind and gets nothing though it has credit: it is the transport', async () => {
    const all = watched({ handlers });
    const source = all.assign();
    expect(await sourceStall(all)).toMatchObject([
      { what: source.name, heldBy: 'transport', why: 'there is credit and a lag of 7, and nothing arrives' },
    ]);

    source.progress.lastProgressAt = performance.now();
    await all.pass(100);
    expect(all.told()).toEqual([
      ['began', 'source', 'transport'],
      ['ended', 'source', 'transport'],
    ]);
  });

  it('does not when there is something at last after a long quiet', async () => {
    const all = watched({ handlers });
    const source = withoutLag(all.assign());
    source.progress.lastProgressAt = performance.now();
    await all.pass(10_000);
    source.progress.lag = 1;
    await all.pass(900);
    expect(all.events).toEqual([]);
    await all.pass(300);
    expect(all.told()).toEqual([['began', 'source', 'transport']]);
  });

  it('does not while it makes progress, however far behind it is', async () => {
    const all = watched({ handlers });
    const source = all.assign();
    for (let i = 0; i < 50; i += 1) {
      source.progress = { lag: 1_000_000, lastProgressAt: performance.now() };
      await all.pass(100);
    }
    expect(all.events).toEqual([]);
  });

  it('has as long as the slowest handler of its group may take', async () => {
    const slow = handler(() => undefined, { name: 'Slow.on', timeoutMs: 2_000, patterns: ['other'] });
    const all = watched({ handlers: [...handlers, slow] });
    all.assign();
    await all.pass(3_900);
    expect(all.events).toEqual([]);
    await all.pass(300);
    expect(all.events).toHaveLength(1);
  });

  it.each<[string, Partial<StallFacts>, string, string]>([
    ['its group is paused', { isPaused: (group) => group === 'billing' }, 'paused', 'the group billing is paused'],
    ['the broker is away', { connection: 'disconnected' }, 'broker', 'the broker is away (disconnected)'],
  ])('says that %s', async (_name, facts, heldBy, why) => {
    const all = watched({ handlers });
    all.assign();
    all.given(facts);
    expect(await sourceStall(all)).toMatchObject([{ heldBy, why }]);
  });

  it('says that its lease has run out, once for all that waits for it', async () => {
    const all = watched({ handlers });
    const source = all.assign();
    source.leaseState = 'unsure';
    for (let i = 0; i < 20; i += 1) all.dispatcher.deliver(source.next({ key: `k${i}` }));
    await all.pass(2_000);
    expect(all.told()).toEqual([['began', 'source', 'lease']]);
    expect(all.stalls()[0]?.why).toContain('has run out and nothing has renewed it');
    expect(all.dispatcher.snapshot().consumers).toMatchObject([{ lease: 'unsure' }]);

    source.leaseState = 'held';
    source.progress = { lag: 0, lastProgressAt: performance.now() };
    await all.pass(2_000);
    expect(all.told().slice(1)).toEqual([['ended', 'source', 'lease']]);
    all.dispatcher.close();
  });

  it('names the key that has stopped it, and the handler at its event', async () => {
    const all = watched({
      handlers: stuck,
      limits: { globalQueueSize: 100, keyedQueueSize: 100, queueSizePerKey: 3, queueSizeBytes: 1_000_000 },
    });
    const source = all.assign();
    all.dispatcher.deliver(source.next({ key: 'other' }));
    for (let i = 0; i < 5; i += 1) all.dispatcher.deliver(source.next({ key: 'hot' }));
    expect(await sourceStall(all)).toMatchObject([{ key: 'hot', heldBy: 'handler' }]);
    expect(all.stalls().at(-1)?.why).toMatch(
      /^too many events wait behind key "hot": Ledger.onPlaced on orders.placed, key "hot", attempt 1, has been running/,
    );
    all.dispatcher.close();
  });

  it('names the handler that has run longest when its queue is full', async () => {
    const limits = { globalQueueSize: 2, keyedQueueSize: 2, queueSizePerKey: 100, queueSizeBytes: 1_000_000 };
    const all = watched({ handlers: stuck, limits });
    const source = all.assign();
    all.dispatcher.deliver(source.next({ key: 'first' }));
    await all.pass(100);
    all.dispatcher.deliver(source.next({ key: 'second' }));
    expect(await sourceStall(all)).toMatchObject([{ heldBy: 'handler', why: expect.stringContaining('key "first"') }]);
    all.dispatcher.close();
  });

  it('names the dead letter that cannot be stored when its queue is full of them', async () => {
    const limits = { globalQueueSize: 2, keyedQueueSize: 2, queueSizePerKey: 100, queueSizeBytes: 1_000_000 };
    const failing = [handler(fail, { timeoutMs: 100, retry: { ...ENDLESS, maxAttempts: 1 } })];
    const store = () => Promise.reject(new Error('no such stream'));
    const all = watched({ handlers: failing, limits, store });
    const source = all.assign();
    for (const key of ['a', 'b']) all.dispatcher.deliver(source.next({ key }));
    expect(await sourceStall(all)).toMatchObject([{ heldBy: 'dead-letter' }]);
    all.dispatcher.close();
  });

  it('names the handler of another source that keeps the only worker, though nothing is at the broker', async () => {
    const all = watched({ handlers: stuck, workers: 1 });
    const [one, other] = [withoutLag(all.assign()), withoutLag(all.assign())];
    all.dispatcher.deliver(one.next({ key: 'one' }));
    all.dispatcher.deliver(other.next({ key: 'other' }));
    expect(await sourceStall(all)).toMatchObject([{ heldBy: 'workers', why: expect.stringContaining('key "one"') }]);
    all.dispatcher.close();
  });

  it('says that events cannot be settled beforehand', async () => {
    const settleBefore = () => Promise.reject(new Error('no answer'));
    const all = watched({ handlers, deliveryOf: () => 'at-most-once', settleBefore });
    all.dispatcher.deliver(withoutLag(all.assign()).next());
    expect(await sourceStall(all)).toMatchObject([{ heldBy: 'settle', why: 'events cannot be settled: no answer' }]);
    all.dispatcher.close();
  });

  it("says what its transport's own bound is, and the event that it waits for", async () => {
    const all = watched({ handlers: stuck });
    const source = all.assign();
    source.progress.heldBy = '100000 events are past the oldest unsettled one';
    all.dispatcher.deliver(source.next({ key: 'k' }));
    expect(await sourceStall(all)).toMatchObject([
      { heldBy: 'credit', why: expect.stringMatching(/^100000 events are past .*: Ledger.onPlaced .* key "k"/) },
    ]);
    all.dispatcher.close();
  });

  it('ends when it is lost', async () => {
    const all = watched({ handlers });
    const source = all.assign();
    await all.pass(2_000);
    all.dispatcher.lost(source);
    await all.pass(100);
    expect(all.told()).toEqual([
      ['began', 'source', 'transport'],
      ['ended', 'source', 'transport'],
    ]);
  });

  it('is not told of beside its handler or key when nothing more waits at the broker', async () => {
    const all = watched({ handlers: stuck });
    all.dispatcher.deliver(withoutLag(all.assign()).next());
    await all.pass(5_000);
    expect(all.told()).toEqual([['began', 'handler', 'handler']]);
    all.dispatcher.close();
  });
});
