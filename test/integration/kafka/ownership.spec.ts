import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { PROTOCOL } from '../../../lib/transports/kafka/driver/assignment-wire.js';
import { kafkaBroker } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { committed, createTopic, foreign, TestBus, type TestBusOptions, withAdmin } from './harness.js';
import { inversions, keyOfBody, overlaps } from './judge.js';

const open: TestBus[] = [];

async function setup(partitions = 6) {
  const { brokers } = await kafkaBroker();
  const topic = unique('orders');
  const group = unique('billing');
  await createTopic(brokers, topic, partitions);
  const member = async (options: Partial<TestBusOptions> = {}): Promise<TestBus> => {
    const bus = new TestBus({ transport: { connection: { brokers }, sessionTimeoutMs: 6_000 }, ...options });
    open.push(bus);
    return bus.start({ group, patterns: [topic] });
  };
  return { brokers, topic, group, member };
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((bus) => bus.stop()));
});

/** Mostly quick, now and then slow: quick ones alone would prove nothing. 41 and the keys of a partition share no factor, or one key would get all the slow ones. */
const handle: TestBusOptions['handle'] = async ({ position }) => {
  await sleep('offset' in position && position.offset % 41 === 7 ? 800 : 3);
  return 'settle';
};

describe('Ownership of partitions on Kafka', () => {
  it('shares partitions out evenly, moves only what must, and lets retained ones run on', async () => {
    const { member } = await setup();
    const first = await member();
    expect(first.owned).toHaveLength(6);

    const second = await member();
    await eventually(() => expect([first.owned.length, second.owned.length]).toEqual([3, 3]));

    expect(first.revokedSources).toHaveLength(3);
    expect(first.assignedSources).toHaveLength(6);
    expect(second.assignedSources).toHaveLength(3);
    expect([...first.owned, ...second.owned].toSorted()).toEqual(
      [0, 1, 2, 3, 4, 5].map((p) => expect.stringContaining(`[${p}]`)),
    );
  });

  it('drains and commits a partition before another member starts on it, under slow handlers', async () => {
    const { brokers, topic, group, member } = await setup();
    const first = await member({ handle });
    const publisher = new TestBus({ transport: { connection: { brokers } } });
    open.push(publisher);
    await publisher.start();
    const publishing = new AbortController();
    let sent = 0;
    const allSent = (async () => {
      while (!publishing.signal.aborted) {
        const key = `k${sent % 60}`;
        const outcome = await publisher.publish(topic, `${key} ${sent}`, { key });
        if (outcome.how === 'confirmed') sent += 1;
        await sleep(2); // what is sent must be handled in the end: one key at a time, some of it slowly
      }
    })();

    await sleep(700);
    const second = await member({ handle });
    await eventually(() => expect(second.owned).toHaveLength(3));
    const third = await member({ handle });
    await eventually(() => expect(third.owned).toHaveLength(2));
    await sleep(500);
    await second.stop();
    await eventually(() => expect([first.owned.length, third.owned.length]).toEqual([3, 3]));
    publishing.abort();
    await allSent;

    await eventually(() =>
      expect(new Set([first, second, third].flatMap((bus) => bus.handled.map(({ body }) => body))).size).toBe(sent),
    );
    expect(overlaps([first, second, third], keyOfBody)).toEqual([]);
    expect(inversions([first, second, third])).toEqual([]);
    await eventually(async () => {
      const offsets = Object.values(await committed(brokers, group, topic));
      expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(sent);
    });
  });

  it('agrees with its members on its own assigner, and with stock members on roundRobin', async () => {
    const { brokers, topic, group, member } = await setup();
    await member();
    const protocol = () =>
      withAdmin(brokers, async (admin) => (await admin.describeGroups([group])).groups[0]?.protocol);
    expect(await protocol()).toBe(PROTOCOL);

    const stock = foreign(brokers).consumer({ groupId: group, maxWaitTimeInMs: 100 });
    await stock.connect();
    await stock.subscribe({ topics: [topic], fromBeginning: true });
    await stock.run({ eachMessage: async () => undefined });
    await eventually(async () => expect(await protocol()).toBe('RoundRobinAssigner'));
    await stock.disconnect();
    await eventually(async () => expect(await protocol()).toBe(PROTOCOL));
  });

  it('gives partitions up in order when it stops, and the other member goes on where it was', async () => {
    const { topic, member } = await setup(2);
    const first = await member();
    for (let i = 0; i < 10; i += 1) await first.publish(topic, `before ${i}`, { key: `k${i}` });
    await eventually(() => expect(first.deliveries).toHaveLength(10));
    await first.stop();
    const second = await member();
    await second.publish(topic, 'after');

    await eventually(() => expect(second.bodies).toEqual(['after']));
  });
});
