import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { committed, createTopic, TestBus, type TestBusOptions, withAdmin } from '../../integration/kafka/harness.js';
import { inversions, keyOfBody, overlaps } from '../../integration/kafka/judge.js';
import { type KafkaServer, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { handledBy, handleSlowly, Load } from './support/load.js';

const SLOW = { timeoutMs: 40_000 };

describe('Ownership on Kafka under load with slow handlers', () => {
  const open: TestBus[] = [];
  let kafka: KafkaServer;

  beforeAll(async () => {
    kafka = await startKafka({ nodes: 3, properties: { 'group.min.session.timeout.ms': 500 } });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.stop()));
  });
  afterAll(() => kafka.remove());

  const transport = () => ({ connection: { brokers: kafka.brokers }, sessionTimeoutMs: 10_000 });

  function bus(options: Partial<TestBusOptions> = {}): TestBus {
    const one = new TestBus({ transport: transport(), rebalanceDrainMs: 5_000, handle: handleSlowly, ...options });
    open.push(one);
    return one;
  }

  async function setup(partitions = 6) {
    const [topic, group] = [unique('orders'), unique('billing')];
    await createTopic(kafka.brokers, topic, partitions);
    const member = (options: Partial<TestBusOptions> = {}) => bus(options).start({ group, patterns: [topic] });
    return { topic, group, member };
  }

  async function load(topic: string, perSecond?: number): Promise<Load> {
    const publisher = new TestBus({ transport: transport() });
    open.push(publisher);
    return new Load(await publisher.start(), topic, perSecond);
  }

  it('outlives the broker that coordinates the group: nothing is lost, out of order, or run twice at once', async () => {
    const { topic, group, member } = await setup();
    const members = await Promise.all([member(), member()]);
    await eventually(() => expect(members.map(({ owned }) => owned.length)).toEqual([3, 3]), SLOW);
    const running = await load(topic);
    await sleep(1_000);
    const coordinator = await coordinatorOf(group);
    const node = kafka.nodes.find(({ id }) => id === coordinator);
    expect(node).toBeDefined();
    const before = new Set(handledBy(members)).size;
    expect(before).toBeGreaterThan(0);
    await node?.kill();
    await eventually(() => expect(new Set(handledBy(members)).size).toBeGreaterThan(before + 300), SLOW);
    const confirmed = await running.end();

    await eventually(
      () => expect([...confirmed].filter((body) => !handledBy(members).includes(body))).toEqual([]),
      SLOW,
    );
    expect(overlaps(members, keyOfBody)).toEqual([]);
    expect(inversions(members)).toEqual([]);
    await node?.restart();
  }, 120_000);

  /** Kafka's rule: the hash of the group's name says which partition of `__consumer_offsets`, and its leader coordinates. */
  async function coordinatorOf(groupId: string): Promise<number> {
    return withAdmin(kafka.brokers, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['__consumer_offsets'] });
      const partitions = topics[0]?.partitions ?? [];
      let hash = 0;
      for (const letter of groupId) hash = (Math.imul(31, hash) + letter.charCodeAt(0)) | 0;
      const partition = (hash & 0x7fffffff) % partitions.length;
      return partitions.find(({ partitionId }) => partitionId === partition)?.leader ?? -1;
    });
  }

  it('gives a partition up at the drain deadline: only what still runs may overlap, its late settle is not committed', async () => {
    const { topic, group, member } = await setup(2);
    const release = new AbortController();
    const stuck: TestBusOptions['handle'] = async ({ message }) => {
      const isHung = Buffer.from(message.body ?? []).toString() === 'hung 1';
      if (isHung) await new Promise((resolve) => release.signal.addEventListener('abort', resolve));
      return 'settle';
    };
    const first = await member({ rebalanceDrainMs: 400, handle: stuck });
    const publisher = await bus().start();
    for (const key of ['hung', ...Array.from({ length: 40 }, (_, i) => `k${i}`)]) {
      await publisher.publish(topic, `${key} 1`, { key });
    }
    await eventually(() => expect(first.handled).toHaveLength(40), SLOW);
    const hung = first.runs.find(({ endedAt }) => endedAt === undefined);
    const partition = hung?.source.partition ?? expect.fail();

    const second = await member({ rebalanceDrainMs: 400, handle: stuck });
    await eventually(() => expect([first.owned.length, second.owned.length]).toEqual([1, 1]), SLOW);
    if (first.owned.every((name) => name.includes(`[${partition}]`))) {
      await first.stop();
      await eventually(() => expect(second.owned).toHaveLength(2), SLOW);
    }
    await eventually(() => expect(second.runs.map(({ body }) => body)).toEqual(['hung 1']), SLOW);
    const offset = (await committed(kafka.brokers, group, topic))[partition];
    expect(offset).toBe(hung?.offset);
    const late = first.deliveries.find((delivery) => Buffer.from(delivery.message.body ?? []).toString() === 'hung 1');
    if (late) first.transport.settle(late);
    await sleep(500);
    expect((await committed(kafka.brokers, group, topic))[partition]).toBe(offset);
    release.abort();
    await eventually(async () =>
      expect(Object.values(await committed(kafka.brokers, group, topic)).reduce((sum, one) => sum + one, 0)).toBe(41),
    );
    expect(overlaps([first, second], keyOfBody)).toEqual(['hung 1 and hung 1']);
  }, 90_000);

  it('does not stall in a rolling deploy that adds a handler and takes one away', async () => {
    const group = unique('billing');
    const [stays, goes, comes] = [unique('stays'), unique('goes'), unique('comes')];
    for (const topic of [stays, goes, comes]) await createTopic(kafka.brokers, topic, 3);
    const instance = (...patterns: string[]) => bus().start({ group, patterns });
    const old = [await instance(stays, goes), await instance(stays, goes)];
    const loads = [await load(stays, 100), await load(goes, 100), await load(comes, 100)];
    const fresh: TestBus[] = [];
    const progress = async (of: readonly TestBus[], topic: string): Promise<void> => {
      const seen = (): number =>
        of.flatMap(({ handled }) => handled).filter(({ source }) => source.name.includes(topic)).length;
      const before = seen();
      await eventually(() => expect(seen()).toBeGreaterThan(before), SLOW);
    };
    for (const leaving of old) {
      fresh.push(await instance(stays, comes));
      await progress(fresh, comes);
      await progress([...old, ...fresh], stays);
      await leaving.stop();
    }
    await progress(fresh, comes);
    const [confirmed, , added] = await Promise.all(loads.map((one) => one.end()));

    const all = [...old, ...fresh];
    const handledOf = (topic: string): Set<string | null> =>
      new Set(
        all
          .flatMap(({ handled }) => handled)
          .filter(({ source }) => source.name.includes(topic))
          .map(({ body }) => body),
      );
    await eventually(() => expect(handledOf(stays).size).toBe(confirmed?.size), SLOW);
    await eventually(() => expect(handledOf(comes).size).toBe(added?.size), SLOW);
    expect(overlaps(all, (run) => `${run.source.name} ${keyOfBody(run)}`)).toEqual([]);
  }, 120_000);
});
