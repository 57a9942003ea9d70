import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PublishResult } from '../../../lib/publishing/publish-result.js';
import { eventually } from '../../support/eventually.js';
import { closeInFakedTime, pass, settled, setup, type Setup, type SetupOptions } from './harness.js';

/** Publishes with ids and keys like `k1`: key `k`, first of it. */
function publishing(
  { publisher }: Setup,
  ids: readonly string[],
  options: { timeoutMs?: number } = {},
): PublishResult[] {
  const results: PublishResult[] = [];
  const publishOne = async (id: string): Promise<void> => {
    const key = id.startsWith('-') ? undefined : id.slice(0, 1);
    results.push(...(await publisher.publishMany([{ topic: 'orders', data: 1, options: { id, key, ...options } }])));
  };
  for (const id of ids) void publishOne(id);
  return results;
}

const outcomes = (results: readonly PublishResult[]): string[] => results.map(({ id, outcome }) => `${id} ${outcome}`);

describe('a publish that failed', () => {
  const made: Setup[] = [];
  const open = (options: SetupOptions = {}): Setup => {
    const bus = setup(options);
    made.push(bus);
    return bus;
  };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  });

  afterEach(async () => {
    for (const bus of made.splice(0)) {
      await closeInFakedTime(bus);
      expect(bus.handles.list()).toEqual([]);
    }
    vi.useRealTimers();
  });

  it.each(['unsent', 'unknown'] as const)('is sent again with the same id after a backoff: %s', async (how) => {
    const bus = open();
    const results = publishing(bus, ['a1', '-2']);

    bus.transport.fail(how);
    await settled();
    expect(bus.transport.ids).toEqual(['a1', '-2']);
    await pass(100);
    expect(bus.transport.ids.slice(2).toSorted()).toEqual(['-2', 'a1']);
    bus.transport.confirm();
    await settled();

    expect(outcomes(results).toSorted()).toEqual(['-2 confirmed', 'a1 confirmed']);
  });

  it('waits longer after each further failure', async () => {
    const bus = open();
    publishing(bus, ['a1']);

    for (const ms of [50, 100, 200, 400]) {
      bus.transport.fail('unsent');
      const before = bus.transport.sent.length;
      await pass(ms - 15);
      expect(bus.transport.sent).toHaveLength(before);
      await pass(30);
      expect(bus.transport.sent).toHaveLength(before + 1);
    }
  });

  it('is sent again at once when the transport is connected again, and not while it is away', async () => {
    const bus = open();
    publishing(bus, ['a1', '-2']);

    bus.publisher.transportStatus({ state: 'disconnected' });
    bus.transport.fail('unsent');
    await pass(10_000);
    expect(bus.transport.sent).toHaveLength(2);

    bus.publisher.transportStatus({ state: 'connected' });
    await settled();
    expect(bus.transport.sent).toHaveLength(4);
  });

  it.each([
    ['unsent', 'rejected', 'EVENT_BUS_NOT_CONNECTED'],
    ['unknown', 'unknown', 'EVENT_BUS_PUBLISH_UNKNOWN'],
  ] as const)('ends at its deadline: after %s it is %s', async (how, outcome, code) => {
    const bus = open({ timeoutMs: 5000 });
    const results = publishing(bus, ['a1']);
    bus.publisher.transportStatus({ state: 'disconnected' });
    bus.transport.fail(how);

    await pass(4900);
    expect(results).toEqual([]);
    await pass(200);

    expect(results).toMatchObject([{ id: 'a1', outcome, error: { code, cause: { message: `${how} by the fake` } } }]);
  });

  it('ends unknown at its deadline when nobody answered; a later confirm touches nobody else', async () => {
    const bus = open({ timeoutMs: 1000, maxPending: 1 });
    const results = publishing(bus, ['a1']);

    await pass(1100);
    const next = publishing(bus, ['b1']);
    bus.transport.confirm((id) => id === 'a1');
    await settled();

    expect(outcomes(results)).toEqual(['a1 unknown']);
    expect(next).toEqual([]);
    expect(bus.publisher.snapshot.pending).toBe(1);
  });

  it('ends rejected at its deadline when there was no room for it', async () => {
    const bus = open({ maxPending: 1, timeoutMs: 10_000 });
    publishing(bus, ['a1']);
    const results = publishing(bus, ['b1'], { timeoutMs: 500 });

    await pass(600);

    expect(results).toMatchObject([{ outcome: 'rejected', error: { code: 'EVENT_BUS_FULL' } }]);
  });

  it('opens one timer for all deadlines, and none once nothing is pending', async () => {
    const bus = open();
    expect(bus.handles.size).toBe(0);

    publishing(bus, ['a1', 'b1', 'c1']);
    expect(bus.handles.size).toBe(1);

    bus.transport.confirm();
    await pass(1100);
    expect(bus.handles.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends unknown, not rejected, when an earlier attempt may have been stored', async () => {
    const bus = open();
    const results = publishing(bus, ['a1']);
    bus.transport.fail('unknown');
    await pass(100);

    bus.transport.fail('rejected');
    await settled();

    expect(outcomes(results)).toEqual(['a1 unknown']);
  });

  describe('and its key', () => {
    it('holds back what comes later, of this key only, and sends all of it again in call order', async () => {
      const bus = open();
      const results = publishing(bus, ['a1', 'b1', 'a2', 'a3']);

      bus.transport.fail('unsent', (id) => id === 'a1');
      results.push(...publishing(bus, ['a4', 'b2']));
      expect(bus.transport.ids).toEqual(['a1', 'b1', 'a2', 'a3', 'b2']);

      bus.transport.fail('unsent', (id) => id === 'a3');
      await pass(1000);
      expect(bus.transport.ids).toHaveLength(5);

      bus.transport.fail('unsent', (id) => id === 'a2');
      await pass(100);
      expect(bus.transport.ids.slice(5)).toEqual(['a1', 'a2', 'a3', 'a4']);
    });

    it.each([
      ['unsent', 'rejected'],
      ['unknown', 'unknown'],
    ] as const)('does not send it again when a later one is stored: %s ends %s', async (how, outcome) => {
      const bus = open();
      const results = publishing(bus, ['a1', 'a2', 'a3']);

      bus.transport.fail(how, (id) => id === 'a1');
      bus.transport.confirm((id) => id === 'a2');
      await settled();
      expect(outcomes(results)).toEqual(['a2 confirmed']);
      bus.transport.fail('unsent', (id) => id === 'a3');
      await pass(100);

      expect(results.find(({ id }) => id === 'a1')).toMatchObject({ outcome, error: { code: 'EVENT_BUS_OVERTAKEN' } });
      expect(bus.transport.ids).toEqual(['a1', 'a2', 'a3', 'a3']);
    });

    it('does not send it again when a later one was stored before it failed', async () => {
      const bus = open();
      const results = publishing(bus, ['a1', 'b1', 'a2']);

      bus.transport.confirm((id) => id === 'a2');
      bus.transport.fail('unsent', (id) => id === 'a1');
      await pass(100);

      expect(outcomes(results)).toEqual(['a2 confirmed', 'a1 rejected']);
      expect(bus.transport.ids).toEqual(['a1', 'b1', 'a2']);
    });

    it('does not send it again when so much was stored since that nobody knows', async () => {
      const bus = open({ maxPending: 10 });
      const results = publishing(bus, ['a1']);
      for (let i = 0; i < 30; i += 1) {
        publishing(bus, [`b${i}`]);
        bus.transport.confirm((id) => id !== 'a1');
      }

      bus.transport.fail('unsent');
      await pass(100);

      expect(outcomes(results)).toEqual(['a1 rejected']);
      expect(bus.publisher.snapshot.pending).toBe(0);
    });

    it('does not send again what was refused when a later one was cut off, and so may be stored', async () => {
      const bus = open();
      const results = publishing(bus, ['a1', 'a2']);

      bus.transport.fail('unsent', (id) => id === 'a1');
      bus.transport.fail('unknown', (id) => id === 'a2');
      await pass(200);

      expect(results).toMatchObject([{ id: 'a1', outcome: 'rejected', error: { code: 'EVENT_BUS_OVERTAKEN' } }]);
      expect(bus.transport.ids).toEqual(['a1', 'a2', 'a2']);
    });

    it('sends both again when both were cut off: the later is stored only if the earlier is', async () => {
      const bus = open();
      publishing(bus, ['a1', 'a2']);

      bus.transport.fail('unknown');
      await pass(200);

      expect(bus.transport.ids).toEqual(['a1', 'a2', 'a1', 'a2']);
    });

    it('does not wait for one that was rejected: the later ones go on', async () => {
      const bus = open();
      const results = publishing(bus, ['a1', 'a2']);

      bus.transport.fail('rejected', (id) => id === 'a1');
      publishing(bus, ['a3']);
      bus.transport.confirm();
      await settled();

      expect(outcomes(results)).toEqual(['a1 rejected', 'a2 confirmed']);
      expect(bus.transport.ids).toEqual(['a1', 'a2', 'a3']);
    });

    it('keeps the order when it fails again while it is being sent again', async () => {
      const bus = open();
      const results = publishing(bus, ['a1', 'a2', 'a3']);
      let failures = 2;
      bus.transport.onPublish = ({ message }) => {
        if (message.id !== 'a2' || failures === 0) return;
        failures -= 1;
        bus.transport.fail('unsent', (id) => id === 'a2');
      };

      bus.transport.fail('unsent');
      await pass(100);
      expect(bus.transport.ids.slice(3)).toEqual(['a1', 'a2']);
      bus.transport.confirm((id) => id === 'a1');
      await pass(200);
      await pass(500);
      bus.transport.confirm();
      await settled();

      expect(bus.transport.ids.slice(3)).toEqual(['a1', 'a2', 'a2', 'a2', 'a3']);
      expect(outcomes(results)).toEqual(['a1 confirmed', 'a2 confirmed', 'a3 confirmed']);
    });

    it('goes on with the later ones when the failed one ends at its deadline', async () => {
      const bus = open();
      const results = publishing(bus, ['a1'], { timeoutMs: 1000 });
      bus.publisher.transportStatus({ state: 'disconnected' });
      bus.transport.fail('unsent');
      publishing(bus, ['a2']);
      await pass(1100);
      expect(outcomes(results)).toEqual(['a1 rejected']);

      bus.publisher.transportStatus({ state: 'connected' });
      await settled();

      expect(bus.transport.ids).toEqual(['a1', 'a2']);
    });

    it('keeps nothing of it once it is mended', async () => {
      const bus = open();
      publishing(bus, ['a1']);
      bus.transport.fail('unsent');
      await pass(100);

      publishing(bus, ['a2']);

      expect(bus.transport.ids).toEqual(['a1', 'a1', 'a2']);
    });
  });
});

describe('the failure of everything at once', () => {
  it('decides about a part of the keys in each turn of the event loop, and about each of them once', async () => {
    const { publisher, transport } = setup();
    const count = 5_000;
    for (let i = 0; i < 2 * count; i += 1) publisher.enqueue('orders', 1, { id: `${i}`, key: `k${i % count}` });
    transport.confirm((id) => Number(id) >= count);
    transport.fail('unknown');

    let [ended, turns] = [0, 0];
    while (ended < count) {
      await settled(1);
      turns += 1;
      const { unknown } = publisher.totals;
      expect(unknown - ended).toBeLessThanOrEqual(2_000);
      ended = unknown;
    }
    expect(turns).toBeGreaterThan(2);
    expect(publisher.totals).toEqual({ published: count, rejected: 0, unknown: count });
    await publisher.close(1000);
  });

  it('keeps the order of a key that is answered, and fails again, before its turn has come', async () => {
    const { publisher, transport } = setup();
    const keys = 3_000;
    for (let i = 0; i < 3 * keys; i += 1) publisher.enqueue('orders', 1, { id: `${i}`, key: `k${i % keys}` });
    transport.fail('unsent', (id) => Number(id) < keys);
    await Promise.resolve();
    transport.fail('unsent');
    publisher.enqueue('orders', 1, { id: 'late', key: `k${keys - 1}` });
    const last = [`${keys - 1}`, `${2 * keys - 1}`, `${3 * keys - 1}`, 'late'];
    await eventually(() => {
      transport.confirm();
      expect(publisher.totals.published).toBe(3 * keys + 1);
    });
    expect(transport.ids.slice(3 * keys).filter((id) => last.includes(id))).toEqual(last);
    await publisher.close(1000);
  });

  it('is sent again in call order per key, a part in each turn of the event loop', async () => {
    const bus = setup({ maxPending: 100_000, maxPendingBytes: 1e9 });
    const { publisher, transport } = bus;
    const count = 50_000;
    for (let i = 0; i < count; i += 1) publisher.enqueue('orders', 1, { id: `${i}`, key: `k${i % 20_000}` });

    publisher.transportStatus({ state: 'disconnected' });
    transport.fail('unknown');
    await settled();
    publisher.transportStatus({ state: 'connected' });
    let turns = 0;
    while (transport.sent.length < 2 * count) {
      const before = transport.sent.length;
      await settled(1);
      turns += 1;
      expect(transport.sent.length - before).toBeLessThanOrEqual(1000);
    }
    expect(turns).toBeGreaterThan(40);

    const last = new Map<string, number>();
    for (const { message } of transport.sent.slice(count)) {
      expect(Number(message.id)).toBeGreaterThan(last.get(message.key ?? '') ?? -1);
      last.set(message.key ?? '', Number(message.id));
    }
    transport.confirm();
    await publisher.flush();
    expect(publisher.totals).toEqual({ published: count, rejected: 0, unknown: 0 });
    await publisher.close(1000);
  });
});
