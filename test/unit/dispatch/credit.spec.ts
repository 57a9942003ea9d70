import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CreditBook } from '../../../lib/dispatch/credit.js';
import type { CreditLimits } from '../../../lib/dispatch/credit.js';
import { OwnedSource } from '../../../lib/dispatch/owned-source.js';
import { eventually } from '../../support/eventually.js';
import { deferred, FakeLogger, FakeSource, handler, nOf, setup, turns } from './support/fakes.js';
import type { Deferred } from './support/fakes.js';

const limits = { globalQueueSize: 50, keyedQueueSize: 100, queueSizePerKey: 10, queueSizeBytes: 10_000 };

/** A book with lanes of no length, and what opens a source in it. */
function bookOf(overrides: Partial<CreditLimits> = {}, waiting: Record<string, number> = {}) {
  const logger = new FakeLogger();
  const changing: { -readonly [K in keyof CreditLimits]: CreditLimits[K] } = { ...limits, ...overrides };
  const book = new CreditBook(changing, { waitingIn: (lane) => waiting[lane] ?? 0 }, logger);
  const open = (name = 's', fetchBytes = 100, pools: readonly ('global' | 'keyed')[] = ['keyed']) => {
    const source = new FakeSource(name, 'billing', fetchBytes);
    const owned = new OwnedSource(
      source,
      'at-least-once',
      pools.map((pool) => book.pools[pool]),
    );
    source.credit = book.open(owned);
    return { source, owned };
  };
  return { book, open, changing, logger };
}

describe('CreditBook', () => {
  it('grants a single source the whole of the pool its group uses, and of the bytes', () => {
    const { source } = bookOf().open();
    expect([source.credit.messages, source.credit.bytes]).toEqual([100, 10_000]);
  });

  it('grants what is least when a group uses both pools', () => {
    expect(bookOf().open('s', 100, ['global', 'keyed']).source.credit.messages).toBe(50);
  });

  it('shares each pool among the sources that use it, and the bytes among all', () => {
    const { open } = bookOf();
    const [a, b, c] = [open('a'), open('b'), open('c', 100, ['global'])];
    expect([a, b, c].map(({ source }) => source.credit.messages)).toEqual([50, 50, 50]);
    expect(a.source.credit.bytes).toBe(3_333);
  });

  it('takes what is in hand off the credit, and gives it back', () => {
    const { book, open } = bookOf();
    const { source, owned } = open();
    book.take(owned, 400);
    expect([source.credit.messages, source.credit.bytes]).toEqual([99, 9_600]);
    book.giveBack(owned, 400, undefined);
    expect([source.credit.messages, source.credit.bytes]).toEqual([100, 10_000]);
  });

  it('never gives a share below one message and one fetch', () => {
    const { open } = bookOf({ keyedQueueSize: 1, queueSizeBytes: 10 });
    const sources = [open('a'), open('b'), open('c')];
    expect(sources.map(({ source }) => [source.credit.messages, source.credit.bytes])).toEqual([
      [1, 100],
      [1, 100],
      [1, 100],
    ]);
  });

  it('lets a new source have one fetch, and no more, while others hold all there is', () => {
    const { book, open } = bookOf();
    const first = open('first');
    for (let i = 0; i < 100; i += 1) book.take(first.owned, 100);
    const second = open('second');
    expect([second.source.credit.messages, second.source.credit.bytes]).toEqual([1, 100]);
    expect(first.source.credit.messages).toBe(0);
    for (let i = 0; i < 60; i += 1) book.giveBack(first.owned, 100, undefined);
    expect([first.source.credit.messages, second.source.credit.messages]).toEqual([10, 50]);
  });

  it('tells a source that saw too little when there is more, at most once a turn, and others not', async () => {
    const { book, open } = bookOf();
    const [a, b] = [open('a'), open('b')];
    for (let i = 0; i < 50; i += 1) book.take(a.owned, 10);
    expect([a.source.credit.messages, b.source.credit.messages]).toEqual([0, 50]);
    for (let i = 0; i < 30; i += 1) book.giveBack(a.owned, 10, undefined);
    expect(a.source.replenishments).toBe(0);
    await turns();
    expect([a.source.replenishments, b.source.replenishments]).toEqual([1, 0]);
  });

  it('tells a source that stands at a part of its credit for ever of every bit it gets', async () => {
    const { book, open } = bookOf();
    const { source, owned } = open();
    for (let i = 0; i < 100; i += 1) book.take(owned, 10);
    expect(source.credit.messages).toBe(0);
    book.giveBack(owned, 10, undefined);
    await turns();
    expect([source.replenishments, source.credit.messages]).toEqual([1, 1]);
    book.giveBack(owned, 10, undefined);
    await turns();
    expect([source.replenishments, source.credit.messages]).toEqual([2, 2]);
  });

  it('tells a source only when a whole fetch fits into its bytes', async () => {
    const { book, open } = bookOf({ queueSizeBytes: 1_000 });
    const { source, owned } = open('s', 600);
    for (let i = 0; i < 10; i += 1) book.take(owned, 100);
    expect(source.credit.bytes).toBe(0);
    for (let i = 0; i < 5; i += 1) book.giveBack(owned, 100, undefined);
    await turns();
    expect(source.replenishments).toBe(0);
    book.giveBack(owned, 100, undefined);
    await turns();
    expect(source.replenishments).toBe(1);
  });

  it('tells those who stay when a source leaves, and when the limits grow', async () => {
    const { book, open, changing } = bookOf();
    const [a, b] = [open('a'), open('b')];
    for (let i = 0; i < 50; i += 1) book.take(a.owned, 10);
    expect(a.source.credit.messages).toBe(0);
    book.close(b.owned);
    await turns();
    expect([a.source.replenishments, a.source.credit.messages, b.source.credit.messages]).toEqual([1, 50, 0]);

    for (let i = 0; i < 50; i += 1) book.take(a.owned, 10);
    expect(a.source.credit.messages).toBe(0);
    changing.keyedQueueSize = 120;
    book.changed();
    await turns();
    expect([a.source.replenishments, a.source.credit.messages]).toEqual([2, 20]);
  });

  it('survives a source that throws when it is told', async () => {
    const { book, open, logger } = bookOf({ keyedQueueSize: 1 });
    const { source, owned } = open();
    source.onReplenished = () => {
      throw new Error('broken');
    };
    book.take(owned, 10);
    expect(source.credit.messages).toBe(0);
    book.giveBack(owned, 10, undefined);
    await turns();
    expect(logger.at('error')).toHaveLength(1);
  });

  it('takes the credit of a source whose key has too many waiting, until less than half are left', () => {
    const waiting: Record<string, number> = { lane: 10 };
    const { book, open } = bookOf({}, waiting);
    const { source, owned } = open();
    const other = open('other');
    for (let i = 0; i < 10; i += 1) book.take(owned, 10);
    book.watch(owned, 'lane', 'a', 1);
    expect([source.credit.messages, owned.blockedByKey]).toEqual([0, 'a']);
    expect(other.source.credit.messages).toBe(50);

    waiting['lane'] = 5;
    book.giveBack(owned, 10, 'lane');
    expect(owned.blockedByKey).toBe('a');
    waiting['lane'] = 4;
    book.giveBack(owned, 10, 'lane');
    expect([source.credit.messages, owned.blockedByKey]).toEqual([42, undefined]);
  });

  it('counts each stop of a source once, by what stopped it', async () => {
    const waiting: Record<string, number> = { lane: 0 };
    const { book, open } = bookOf({ keyedQueueSize: 20, queueSizeBytes: 1_000 }, waiting);
    const { source, owned } = open();
    const taken = (count: number, bytes: number): void => {
      for (let i = 0; i < count; i += 1) book.take(owned, bytes);
    };
    const givenBack = (count: number, bytes: number): void => {
      for (let i = 0; i < count; i += 1) book.giveBack(owned, bytes, 'lane');
    };
    const looked = (): number => source.credit.messages + source.credit.bytes;

    taken(20, 1);
    looked();
    looked();
    givenBack(20, 1);
    await turns();
    expect(owned.stops).toEqual({ queue: 1, bytes: 0, key: 0 });

    taken(10, 95);
    looked();
    givenBack(10, 95);
    await turns();
    expect(owned.stops).toEqual({ queue: 1, bytes: 1, key: 0 });

    taken(12, 1);
    waiting['lane'] = 10;
    book.watch(owned, 'lane', 'a', 1);
    looked();
    waiting['lane'] = 0;
    givenBack(12, 1);
    await turns();
    looked();
    expect(owned.stops).toEqual({ queue: 1, bytes: 1, key: 1 });
  });

  it('never stays blocked when hardly anything is in hand', () => {
    const waiting = { lane: 10 };
    const { book, open } = bookOf({}, waiting);
    const { owned } = open();
    for (let i = 0; i < 10; i += 1) book.take(owned, 10);
    book.watch(owned, 'lane', 'a', 1);
    for (let i = 0; i < 10; i += 1) book.giveBack(owned, 10, 'another lane');
    expect(owned.blockedByKey).toBeUndefined();
  });
});

/** Sources that look at their credit only at deliveries and when they are told: what hangs here would hang on a broker. */
const run = async (count: number, each: number, rule: 'all' | 'half' | 'bytes'): Promise<number> => {
  const { dispatcher, assign } = setup({
    handlers: [handler(() => turns(1))],
    limits: { globalQueueSize: 1, keyedQueueSize: 10, queueSizePerKey: 4, queueSizeBytes: 2_000 },
    workers: 3,
  });
  let handled = 0;
  const sources = Array.from({ length: count }, (_, i) => assign(new FakeSource(`s${i}`, 'billing', 300)));
  for (const source of sources) {
    let seen = source.credit.messages;
    const pull = (): void => {
      while (source.sequence < each) {
        const { messages, bytes } = source.credit;
        seen = Math.max(seen, messages);
        if (messages < 1 || bytes < (rule === 'bytes' ? 300 : 100)) return;
        if (rule === 'half' && messages * 2 < seen && source.replenishments % 3 !== 0) return;
        handled += 1;
        dispatcher.deliver(source.next({ key: `k${source.sequence % 5}` }));
      }
    };
    source.onReplenished = () => void setImmediate(pull);
    setImmediate(pull);
  }
  await eventually(() => expect(dispatcher.snapshot().totals.handled).toBe(count * each));
  dispatcher.close();
  return handled;
};

describe('CreditBook: property', () => {
  const action = fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('assign' as const), pools: fc.integer({ min: 0, max: 2 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('fetch' as const),
        which: fc.nat(),
        most: fc.integer({ min: 1, max: 40 }),
        size: fc.integer({ min: 1, max: 300 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        which: fc.nat(),
        most: fc.integer({ min: 1, max: 40 }),
      }),
    },
  );

  it('keeps all that is in hand within the bounds, but for one fetch a source, and lets no source starve', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const { book, open } = bookOf();
        type Opened = ReturnType<typeof open> & { sizes: number[]; isGone: boolean };
        const sources: Opened[] = [];
        const settle = (one: Opened, most: number): void => {
          for (const size of one.sizes.splice(0, most)) book.giveBack(one.owned, size, undefined);
        };
        const fetch = (one: Opened, most: number, size: number): void => {
          const { messages, bytes } = one.source.credit;
          if (bytes < one.source.fetchBytes) return;
          const count = Math.min(most, messages, Math.max(1, Math.floor(bytes / size)));
          for (let i = 0; i < count; i += 1) {
            book.take(one.owned, size);
            one.sizes.push(size);
          }
        };
        const pick = (which: number): Opened | undefined => sources[which % Math.max(1, sources.length)];
        const pools = [['global'], ['keyed'], ['global', 'keyed']] as const;

        for (const step of actions) {
          if (step.kind === 'assign') {
            sources.push({ ...open(`s${sources.length}`, 300, pools[step.pools]), sizes: [], isGone: false });
            continue;
          }
          const one = pick(step.which);
          if (one === undefined) continue;
          if (step.kind === 'settle') settle(one, step.most);
          if (step.kind === 'fetch' && !one.isGone) fetch(one, step.most, step.size);
          if (step.kind === 'leave') {
            one.isGone = true;
            book.close(one.owned);
          }
          const inHand = sources.flatMap(({ sizes }) => sizes);
          const inPool = (pool: 'global' | 'keyed'): number =>
            sources
              .filter(({ owned }) => owned.shares.includes(book.pools[pool]))
              .reduce((n, { sizes }) => n + sizes.length, 0);
          expect(inPool('global')).toBeLessThanOrEqual(limits.globalQueueSize + sources.length);
          expect(inPool('keyed')).toBeLessThanOrEqual(limits.keyedQueueSize + sources.length);
          expect(inHand.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(limits.queueSizeBytes + 300 * sources.length);
          expect(book.inHand).toBe(inHand.length);
          for (const { source, sizes, isGone } of sources) {
            if (!isGone && sizes.length === 0) expect(source.credit.messages).toBeGreaterThan(0);
            if (!isGone && sizes.length === 0) expect(source.credit.bytes).toBeGreaterThanOrEqual(300);
            if (isGone) expect(source.credit.messages).toBe(0);
          }
        }
        for (const one of sources) settle(one, Number.POSITIVE_INFINITY);
        expect(book.inHand).toBe(0);
        book.stop();
      }),
      { numRuns: 200 },
    );
  });

  it.each(['all', 'half', 'bytes'] as const)('keeps every source going, however it asks: %s', async (rule) => {
    expect(await run(1, 100, rule)).toBe(100);
    expect(await run(4, 50, rule)).toBe(200);
    expect(await run(25, 8, rule)).toBe(200);
  });
});

describe('Dispatcher: a key that is stuck', () => {
  it('stops its own source at queueSizePerKey and no other, names the key, and goes on when half are left', async () => {
    const gates: Deferred[] = [];
    const handle = () => {
      const gate = deferred();
      gates.push(gate);
      return gate.promise;
    };
    const limitsHere = { globalQueueSize: 1, keyedQueueSize: 1_000, queueSizePerKey: 10, queueSizeBytes: 1e9 };
    const { dispatcher, assign, offsets } = setup({ handlers: [handler(handle)], limits: limitsHere });
    const [stuck, other] = [assign(), assign(new FakeSource('other'))];
    for (let i = 0; i < 10; i += 1) dispatcher.deliver(stuck.next({ key: 'a' }));
    expect(stuck.credit.messages).toBe(490);
    dispatcher.deliver(stuck.next({ key: 'a' }));
    expect(stuck.credit.messages).toBe(0);
    expect(other.credit.messages).toBe(500);
    expect(dispatcher.snapshot().consumers.map(({ blockedByKey }) => blockedByKey)).toEqual(['a', undefined]);

    for (let done = 1; done <= 7; done += 1) {
      gates.at(-1)?.resolve();
      await eventually(() => expect(offsets()).toHaveLength(done));
      await turns();
    }
    expect(dispatcher.snapshot().consumers[0]?.blockedByKey).toBeUndefined();
    expect(stuck.replenishments).toBeGreaterThan(0);
    expect(stuck.credit.messages).toBe(496);
  });

  it('counts events, not handlers', () => {
    const handlers = [1, 2].map((n) =>
      handler((data) => (nOf(data) > 0 ? deferred().promise : undefined), { name: `H.${n}` }),
    );
    const limitsHere = { globalQueueSize: 1, keyedQueueSize: 1_000, queueSizePerKey: 10, queueSizeBytes: 1e9 };
    const { dispatcher, assign } = setup({ handlers, limits: limitsHere });
    const source = assign();
    for (let i = 0; i < 10; i += 1) dispatcher.deliver(source.next({ key: 'a' }));
    expect(source.credit.messages).toBe(990);
    dispatcher.deliver(source.next({ key: 'a' }));
    expect(source.credit.messages).toBe(0);
  });
});
