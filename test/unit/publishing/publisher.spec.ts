import { describe, expect, it } from 'vitest';
import { EventBusError } from '../../../lib/core/errors.js';
import type { PublishResult } from '../../../lib/publishing/publish-result.js';
import type { OutgoingMessage } from '../../../lib/transport/message.js';
import { settled, setup } from './harness.js';

const codeOf = (error: unknown): unknown => (error instanceof EventBusError ? error.code : error);

describe('publish', () => {
  it("resolves with the broker's confirm", async () => {
    const { publisher, transport } = setup();

    const publishing = publisher.publish('orders.placed', { n: 1 }, { id: 'a', key: 'k', type: 'placed' });
    transport.confirm();

    expect(await publishing).toEqual({
      outcome: 'confirmed',
      id: 'a',
      topic: 'orders.placed',
      key: 'k',
      type: 'placed',
      time: expect.any(Number),
      position: { partition: 0, offset: 0 },
      duplicate: false,
    });
  });

  it('rejects with its result when the broker refuses', async () => {
    const { publisher, transport } = setup();

    const publishing = publisher.publish('orders', 1, { id: 'a' });
    transport.fail('rejected');

    await expect(publishing).rejects.toMatchObject({
      code: 'EVENT_BUS_PUBLISH_REJECTED',
      result: { outcome: 'rejected', id: 'a', error: { message: 'rejected by the fake' } },
    });
  });

  it.each([
    ['EVENT_BUS_INVALID_TOPIC', 'or ders', 1, {}],
    ['EVENT_BUS_INVALID_HEADER', 'orders', 1, { headers: { a: 'b\r\nc' } }],
    ['EVENT_BUS_INVALID_EVENT', 'orders', 1, { timeoutMs: 0 }],
    ['EVENT_BUS_INVALID_EVENT', 'orders', 1, { timeoutMs: Number.NaN }],
    ['EVENT_BUS_MESSAGE_TOO_LARGE', 'orders', 'x'.repeat(101), {}],
  ])('rejects with %s before anything is sent', async (code, topic, data, options) => {
    const { publisher, transport } = setup();
    transport.maxMessageBytes = 100;

    const error = await publisher.publish(topic, data, options).catch(codeOf);

    expect(error).toBe(code);
    expect(transport.sent).toEqual([]);
    expect(publisher.snapshot.pending).toBe(0);
  });

  it('waits for room in messages, in the order of the calls', async () => {
    const { publisher, transport } = setup({ maxPending: 2 });

    const all = ['a', 'b', 'c', 'd'].map((id) => publisher.publish('orders', 1, { id }));
    expect(transport.ids).toEqual(['a', 'b']);

    transport.confirm((id) => id === 'b');
    expect(transport.ids).toEqual(['a', 'b', 'c']);
    transport.confirm();
    transport.confirm();
    await Promise.all(all);
    expect(transport.ids).toEqual(['a', 'b', 'c', 'd']);
  });

  it('waits for room in bytes, and lets what is larger than the bound through alone', async () => {
    const { publisher, transport } = setup({ maxPendingBytes: 10 });

    void publisher.publish('orders', 'x'.repeat(50), { id: 'a' });
    void publisher.publish('orders', 1, { id: 'b' });
    expect(transport.ids).toEqual(['a']);

    transport.confirm();
    expect(transport.ids).toEqual(['a', 'b']);
  });

  it('lets no later publish overtake one that waits, also when the later one would fit', () => {
    const { publisher, transport } = setup({ maxPendingBytes: 10 });

    void publisher.publish('orders', 'x', { id: 'a' });
    void publisher.publish('orders', 'x'.repeat(8), { id: 'b', key: 'k' });
    void publisher.publish('orders', 1, { id: 'c', key: 'k' });

    expect(transport.ids).toEqual(['a']);
    expect(publisher.enqueue('orders', 1)).toMatchObject({ accepted: false, reason: 'full' });
  });

  it('admits thousands that wait without nesting, when the transport answers within publish', async () => {
    const { publisher, transport } = setup({ maxPending: 1 });
    const all = Array.from({ length: 20_000 }, () => publisher.publish('orders', 1));
    transport.onPublish = () => transport.confirm();

    transport.confirm();

    expect(await Promise.all(all)).toHaveLength(20_000);
  });

  it('ends rejected, and sends nothing, when its signal was raised before it was sent', async () => {
    const { publisher, transport } = setup({ maxPending: 1 });
    const controller = new AbortController();
    void publisher.publish('orders', 1, { id: 'a' });
    const waiting = publisher.publish('orders', 1, { id: 'b', signal: controller.signal });

    controller.abort();
    const tooLate = publisher.publish('orders', 1, { id: 'c', signal: controller.signal });
    transport.confirm();

    const aborted = { result: { outcome: 'rejected', error: { code: 'EVENT_BUS_ABORTED' } } };
    await expect(waiting).rejects.toMatchObject(aborted);
    await expect(tooLate).rejects.toMatchObject(aborted);
    expect(transport.ids).toEqual(['a']);
  });

  it('ends unknown when its signal is raised after it was sent, and hears no late confirm', async () => {
    const { publisher, transport } = setup();
    const controller = new AbortController();
    const publishing = publisher.publish('orders', 1, { signal: controller.signal });

    controller.abort();
    transport.confirm();

    await expect(publishing).rejects.toMatchObject({
      code: 'EVENT_BUS_PUBLISH_UNKNOWN',
      result: { outcome: 'unknown', error: { code: 'EVENT_BUS_ABORTED' } },
    });
    expect(publisher.totals).toEqual({ published: 0, rejected: 0, unknown: 1 });
  });
});

describe('publishMany', () => {
  it('gives one result an event, in order, and lets one failing take no other down', async () => {
    const { publisher, transport } = setup({ maxPending: 2 });
    const publishing = publisher.publishMany([
      { topic: 'orders', data: 1, options: { id: 'a' } },
      { topic: 'not valid', data: 1, options: { id: 'b' } },
      { topic: 'orders', data: 1, options: { id: 'c' } },
      { topic: 'orders', data: 1, options: { id: 'd' } },
    ]);

    transport.fail('rejected', (id) => id === 'a');
    transport.confirm();
    transport.confirm();

    const results = await publishing;
    expect(results.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      'a rejected',
      'b rejected',
      'c confirmed',
      'd confirmed',
    ]);
    expect(results[1]).toMatchObject({ error: { code: 'EVENT_BUS_INVALID_TOPIC' } });
    expect(await publisher.publishMany([])).toEqual([]);
  });
});

describe('enqueue', () => {
  it('says at once that it is full, and keeps nothing', async () => {
    const { publisher, transport } = setup({ maxPending: 1 });

    expect(publisher.enqueue('orders', 1, { id: 'a' })).toEqual({ accepted: true, id: 'a' });
    expect(publisher.enqueue('orders', 1, { id: 'b' })).toMatchObject({
      accepted: false,
      reason: 'full',
      error: { code: 'EVENT_BUS_FULL', retryable: true },
    });

    transport.confirm();
    await settled();
    expect(transport.ids).toEqual(['a']);
    expect(publisher.snapshot.pending).toBe(0);
  });

  it('says what is invalid, and that the bus is closing', async () => {
    const { publisher } = setup();

    expect(publisher.enqueue('', 1)).toMatchObject({ accepted: false, reason: 'invalid' });
    await publisher.close(100);
    expect(publisher.enqueue('orders', 1)).toMatchObject({
      accepted: false,
      reason: 'closing',
      error: { code: 'EVENT_BUS_NOT_OPEN' },
    });
  });
});

describe('the life of a publisher', () => {
  it('takes nothing before it is open and after it is closed', async () => {
    const { publisher } = setup();
    await publisher.close(100);

    await expect(publisher.publish('orders', 1)).rejects.toMatchObject({ code: 'EVENT_BUS_NOT_OPEN' });
    await expect(publisher.publishMany([])).rejects.toMatchObject({ code: 'EVENT_BUS_NOT_OPEN' });
  });

  it('waits for outstanding confirms when it closes, those that wait for room included', async () => {
    const { publisher, transport, handles } = setup({ maxPending: 1 });
    const all = [publisher.publish('orders', 1), publisher.publish('orders', 2)];

    const closing = publisher.close(10_000);
    transport.confirm();
    transport.confirm();

    expect(await Promise.all(all)).toHaveLength(2);
    await closing;
    expect(handles.list()).toEqual([]);
  });

  it('ends what is left at the deadline: unknown when it was sent, rejected when it was not', async () => {
    const { publisher, handles } = setup({ maxPending: 1 });
    const all = Promise.allSettled([publisher.publish('orders', 1), publisher.publish('orders', 2)]);

    await publisher.close(20);

    expect(await all).toMatchObject([
      { reason: { result: { outcome: 'unknown', error: { code: 'EVENT_BUS_CLOSED' } } } },
      { reason: { result: { outcome: 'rejected', error: { code: 'EVENT_BUS_CLOSED' } } } },
    ]);
    expect(handles.list()).toEqual([]);
  });

  it('flushes what was published so far, and does not wait for what comes later', async () => {
    const { publisher, transport } = setup();
    const states: string[] = [];
    void publisher.publish('orders', 1, { id: 'a' });
    void publisher.publish('orders', 1, { id: 'b' });
    const flushing = publisher.flush().then(() => states.push('flushed'));
    void publisher.publish('orders', 1, { id: 'c' });

    transport.confirm((id) => id === 'b');
    await settled();
    expect(states).toEqual([]);
    transport.confirm((id) => id === 'a');
    await flushing;
    expect(states).toEqual(['flushed']);
    transport.confirm();
  });

  it('shows what is pending, and the average latency', async () => {
    let now = 1000;
    const { publisher, transport } = setup({ now: () => now });
    void publisher.publish('orders', 'xy');
    now = 1040;
    void publisher.publish('orders', 'xy');
    expect(publisher.snapshot).toMatchObject({ pending: 2, pendingBytes: 8, oldestSince: 1000 });

    now = 1050;
    transport.confirm((id) => id === transport.ids[0]);
    expect(publisher.snapshot).toMatchObject({ pending: 1, oldestSince: 1040, recentLatencyMs: 50 });
    transport.confirm();
    expect(publisher.totals).toEqual({ published: 2, rejected: 0, unknown: 0 });
    await publisher.close(100);
  });
});

const dead = (id: string): OutgoingMessage => {
  return { topic: 'dead.billing.orders', key: undefined, id, body: 'x'.repeat(500), headers: [] };
};

describe('dead letters', () => {
  it('are stored while the pool is full, whatever their size, and while it closes', async () => {
    const { publisher, transport } = setup({ maxPending: 1 });
    transport.maxMessageBytes = 100;
    void publisher.publish('orders', 1, { id: 'a' });
    const closing = publisher.close(10_000);

    const storing = publisher.storeDead(dead('d'));
    transport.confirm((id) => id === 'd');
    await storing;

    expect(transport.sent[1]?.message).toMatchObject({ id: 'd', dead: true });
    transport.confirm();
    await closing;
  });

  it('take at most the reserved slots, and the rest waits for one', async () => {
    const { publisher, transport } = setup({ maxPending: 1 });
    const all = Array.from({ length: 100 }, (_, i) => publisher.storeDead(dead(`d${i}`)));
    expect(transport.sent).toHaveLength(64);

    transport.confirm();
    expect(transport.sent).toHaveLength(100);
    transport.confirm();

    await Promise.all(all);
    expect(publisher.enqueue('orders', 1).accepted).toBe(true);
    transport.confirm();
  });

  it('reject when they were not stored, and are not among the results or totals', async () => {
    const { publisher, transport } = setup();
    const results: PublishResult[] = [];
    publisher.results.register('Outbox.mark', (batch) => void results.push(...batch));
    const storing = publisher.storeDead(dead('d'));

    transport.fail('rejected');

    await expect(storing).rejects.toMatchObject({ code: 'EVENT_BUS_PUBLISH_REJECTED' });
    await publisher.close(100);
    expect(results).toEqual([]);
    expect(publisher.totals).toEqual({ published: 0, rejected: 0, unknown: 0 });
    await expect(publisher.storeDead(dead('e'))).rejects.toMatchObject({ code: 'EVENT_BUS_NOT_OPEN' });
  });
});
