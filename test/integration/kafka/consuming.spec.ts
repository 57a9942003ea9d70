import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Credit, Source } from '../../../lib/transport/transport.js';
import { kafkaBroker } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { committed, createTopic, foreign, produce, TestBus, type TestBusOptions, withAdmin } from './harness.js';

const open: TestBus[] = [];

async function setup(count: number, { partitions = 1, value = (i: number) => `event ${i}` } = {}) {
  const { brokers } = await kafkaBroker();
  const topic = unique('orders');
  await createTopic(brokers, topic, partitions);
  const producer = foreign(brokers).producer();
  await producer.connect();
  await produce(
    brokers,
    topic,
    Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: value(i), partition: i % partitions })),
  );
  const more = async (...values: string[]): Promise<void> => {
    await producer.send({ topic, messages: values.map((one) => ({ value: one, partition: 0 })) });
  };
  const bus = ({ transport, ...options }: Partial<TestBusOptions> = {}): TestBus => {
    const one = new TestBus({ transport: { connection: { brokers }, ...transport }, ...options });
    open.push(one);
    return one;
  };
  return { brokers, topic, group: unique('billing'), bus, more, end: () => producer.disconnect() };
}

/** Credit that is used up by what is in hand. */
function limited(bus: () => TestBus | undefined, settled: () => number, most: Credit): (source: Source) => Credit {
  return () => ({
    get messages() {
      return most.messages - (bus()?.deliveries.length ?? 0) + settled();
    },
    get bytes() {
      return most.bytes - (bus()?.deliveries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) ?? 0);
    },
  });
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((bus) => bus.stop()));
});

describe('Where a new group begins', () => {
  it.each([
    ['earliest', 'earliest' as const, ['event 0', 'event 1', 'event 2', 'later']],
    ['latest', 'latest' as const, ['later']],
  ])('is %s when it says so', async (_, startFrom, expected) => {
    const { topic, group, bus, more, end } = await setup(3);
    const one = await bus().start({ group, patterns: [topic], startFrom });
    await more('later');
    await eventually(() => expect(one.bodies).toEqual(expected));
    await end();
  });

  it('is the first event at or after a moment', async () => {
    const { topic, group, bus, more, end } = await setup(3);
    await sleep(20);
    const moment = new Date();
    await sleep(20);
    await more('after the moment');
    const one = await bus().start({ group, patterns: [topic], startFrom: moment });
    await eventually(() => expect(one.bodies).toEqual(['after the moment']));
    await end();
  });

  it('is committed at once: what comes while nobody runs is not skipped', async () => {
    const { brokers, topic, group, bus, more, end } = await setup(3, { partitions: 2 });
    const first = await bus().start({ group, patterns: [topic], startFrom: 'latest' });
    expect(await committed(brokers, group, topic)).toEqual({ 0: 2, 1: 1 });
    await first.stop();
    await more('while nobody ran');
    const second = await bus().start({ group, patterns: [topic], startFrom: 'latest' });
    await eventually(() => expect(second.bodies).toEqual(['while nobody ran']));
    await end();
  });

  it('is noted on the broker, so that another startFrom later is a warning, once, and changes nothing', async () => {
    const { topic, group, bus, more, end } = await setup(3, { partitions: 2 });
    const first = await bus().start({ group, patterns: [topic], startFrom: 'latest' });
    await more('handled');
    await eventually(() => expect(first.bodies).toEqual(['handled']));
    await first.stop();
    await more('while nobody ran');
    const warnings = ({ log }: TestBus): unknown[] =>
      log.filter(({ message }) => message.includes('startFrom')).map(({ level, fields }) => [level, fields]);

    const changed = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(changed.bodies).toEqual(['while nobody ran']));
    expect(warnings(changed)).toEqual([['warn', { group, startFrom: 'earliest', began: 'latest' }]]);
    await changed.stop();

    const same = await bus().start({ group, patterns: [topic], startFrom: 'latest' });
    await more('one more');
    await eventually(() => expect(same.bodies).toEqual(['one more']));
    expect([first, same].flatMap(warnings)).toEqual([]);
    await end();
  });

  it('holds for several members that start together, and a partition that comes after the group is read from its beginning', async () => {
    const { brokers, topic, group, bus, more, end } = await setup(40, { partitions: 4 });
    const subscription = { group, patterns: [topic], startFrom: 'latest' as const };
    const transport = { connection: { brokers }, topicRefreshMs: 300 };
    const members = await Promise.all([bus({ transport }).start(subscription), bus({ transport }).start(subscription)]);
    await eventually(() => expect(members.flatMap(({ owned }) => owned)).toHaveLength(4));
    await more('new');
    await eventually(() => expect(members.flatMap(({ bodies }) => bodies)).toEqual(['new']));

    await withAdmin(brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] }));
    const producer = foreign(brokers).producer();
    await producer.connect();
    await eventually(() => producer.send({ topic, messages: [{ value: 'in the added one', partition: 4 }] }));
    await producer.disconnect();
    const all = (): unknown[] => members.flatMap(({ bodies }) => bodies);
    await eventually(() => expect(all()).toContain('in the added one'), { timeoutMs: 20_000 });
    expect(all()).toHaveLength(2);
    await end();
  });
});

describe('Credit', () => {
  it('is never passed by more than one fetch of a partition', async () => {
    const { brokers, topic, group, bus, end } = await setup(2_000, { value: (i) => String(i).padEnd(200) });
    let settled = 0;
    const most = { messages: 75, bytes: 2_000_000 };
    const one: TestBus = bus({
      transport: { connection: { brokers }, maxBytesPerPartition: 20_000 },
      credit: limited(
        () => one,
        () => settled,
        most,
      ),
      handle: async () => 'keep',
    });
    await one.start({ group, patterns: [topic] });
    await eventually(() => expect(one.deliveries.length).toBeGreaterThan(75));
    await sleep(500);
    const held = one.deliveries.length;
    const oneFetch = 20_000 / 200;
    expect(held).toBeLessThan(75 + oneFetch);
    expect(one.group(group)['overshootMax']).toBeLessThan(oneFetch);

    settled = 2_000;
    one.assignedSources[0]?.replenished();
    await eventually(() => expect(one.deliveries.length).toBeGreaterThan(held));
    await end();
  });

  it('is never passed by more than one fetch of a partition in bytes either', async () => {
    const { brokers, topic, group, bus, end } = await setup(2_000, { value: (i) => String(i).padEnd(200) });
    const [fetchBytes, most] = [20_000, { messages: 100_000, bytes: 60_000 }];
    const one: TestBus = bus({
      transport: { connection: { brokers }, maxBytesPerPartition: fetchBytes },
      credit: limited(
        () => one,
        () => 0,
        most,
      ),
      handle: async () => 'keep',
    });
    await one.start({ group, patterns: [topic] });
    const inHand = (): number => one.deliveries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    await eventually(() => expect(inHand()).toBeGreaterThan(most.bytes - fetchBytes));
    await sleep(500);
    const [largest = 0] = one.deliveries.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => b - a);
    const oneFetch = (fetchBytes / 200) * largest;
    expect(inHand()).toBeLessThan(most.bytes - fetchBytes + oneFetch);
    await end();
  });

  it('is passed by one batch of our own publisher at most, which a fetch brings whole however small it is to be', async () => {
    const { brokers, topic, group, bus, end } = await setup(0);
    const publisher = await bus().start();
    await publisher.publish(topic, 'the producer is connected');
    const bodies = Array.from({ length: 3_000 }, (_, i) => String(i).padEnd(800));
    await Promise.all(bodies.map((body) => publisher.publish(topic, body, { key: 'k' })));

    const most = { messages: 75, bytes: 100_000_000 };
    const one: TestBus = bus({
      transport: { connection: { brokers }, maxBytesPerPartition: 20_000 },
      credit: limited(
        () => one,
        () => 0,
        most,
      ),
      handle: async () => 'keep',
    });
    await one.start({ group, patterns: [topic] });
    await eventually(() => expect(one.deliveries.length).toBeGreaterThan(most.messages));
    await sleep(500);
    const held = one.deliveries.length;
    expect(held).toBeGreaterThan(most.messages + 20_000 / 800);
    expect(held).toBeLessThan(most.messages + 1_000);
    expect(one.group(group)['overshootMax']).toBe(held - most.messages);
    await end();
  });

  it('of one source that is used up stops that source only', async () => {
    const { topic, group, bus, end } = await setup(40, { partitions: 2 });
    const one = bus({
      handle: async () => 'keep',
      credit: ({ partition }) => (partition === 0 ? { messages: 0, bytes: 0 } : { messages: 1_000, bytes: 1_000_000 }),
    });
    await one.start({ group, patterns: [topic] });
    await eventually(() => expect(one.deliveries).toHaveLength(20));
    await sleep(300);
    expect(new Set(one.deliveries.map(({ source }) => source.partition))).toEqual(new Set([1]));
    await end();
  });

  it('does not help a source whose frontier is maxUncommitted behind', async () => {
    const { brokers, topic, group, bus, more, end } = await setup(0, { partitions: 2 });
    const one = bus({ transport: { connection: { brokers }, maxUncommitted: 10 }, handle: async () => 'keep' });
    await one.start({ group, patterns: [topic] });
    for (let i = 0; i < 15; i += 1) {
      await more(`event ${i}`);
      if (i < 10) await eventually(() => expect(one.deliveries).toHaveLength(i + 1));
    }
    await sleep(300);
    expect(one.deliveries).toHaveLength(10);
    for (const delivery of one.deliveries.slice(1)) one.transport.settle(delivery);
    await sleep(300);
    expect(one.deliveries).toHaveLength(10);
    const [stuck] = one.deliveries;
    if (stuck) one.transport.settle(stuck);
    await eventually(() => expect(one.deliveries).toHaveLength(15));
    await end();
  });
});

describe('A group', () => {
  it('stops asking for more while it is paused, and goes on where it was', async () => {
    const { topic, group, bus, more, end } = await setup(1);
    const one = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(one.deliveries).toHaveLength(1));
    one.transport.pause(group);
    await sleep(150);
    await more('while paused');
    await sleep(300);
    expect(one.deliveries).toHaveLength(1);
    one.transport.resume(group);
    await eventually(() => expect(one.bodies).toEqual(['event 0', 'while paused']));
    await end();
  });

  it('delivers nothing once fetching has stopped', async () => {
    const { topic, group, bus, more, end } = await setup(1);
    const one = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(one.deliveries).toHaveLength(1));
    await one.transport.stopFetching();
    await more('too late');
    await sleep(300);
    expect(one.bodies).toEqual(['event 0']);
    await end();
  });

  it('has the settle of at-most-once deliveries answered by the broker', async () => {
    const { brokers, topic, group, bus, end } = await setup(10, { partitions: 2 });
    const one = await bus({ handle: async () => 'keep' }).start({ group, patterns: [topic], delivery: 'at-most-once' });
    await eventually(() => expect(one.deliveries).toHaveLength(10));
    await one.transport.settleBefore(one.deliveries);
    expect(await committed(brokers, group, topic)).toEqual({ 0: 5, 1: 5 });
    await end();
  });

  it('refuses the settle of at-most-once deliveries whose source is lost', async () => {
    const { topic, group, bus, end } = await setup(2);
    const one = await bus({ handle: async () => 'keep' }).start({ group, patterns: [topic], delivery: 'at-most-once' });
    await eventually(() => expect(one.deliveries).toHaveLength(2));
    await one.transport.closeConsumers();
    await expect(one.transport.settleBefore(one.deliveries)).rejects.toMatchObject({ code: 'EVENT_BUS_SETTLE_FAILED' });
    await end();
  });

  it('knows how far behind it is', async () => {
    const { brokers, topic, group, bus, end } = await setup(500, { value: (i) => String(i).padEnd(500) });
    const one = bus({
      transport: { connection: { brokers }, maxBytesPerPartition: 10_000 },
      handle: async () => 'keep',
      credit: limited(
        () => one,
        () => 0,
        { messages: 10, bytes: 1_000_000 },
      ),
    });
    await one.start({ group, patterns: [topic] });
    await eventually(() => expect(one.deliveries.length).toBeGreaterThan(9));
    expect(one.assignedSources[0]?.progress.lag).toBe(500 - one.deliveries.length);
    await end();
  });
});
