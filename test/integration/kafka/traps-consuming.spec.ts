import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { GroupFetch } from '../../../lib/transports/kafka/consuming/group-fetch.js';
import { type KafkaServer, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import {
  bodyOf,
  committed,
  createTopic,
  foreign,
  produce,
  TestBus,
  type TestBusOptions,
  withAdmin,
} from './harness.js';

/** Each trap of kafkajs 2.2.4 twice: as it strikes who uses kafkajs as it comes, and not striking us. */
describe('Traps of kafkajs when consuming', () => {
  let kafka: KafkaServer;
  const open: TestBus[] = [];
  const naive: Consumer[] = [];

  beforeAll(async () => {
    kafka = await startKafka({ properties: { 'group.min.session.timeout.ms': 500 } });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all([...naive.splice(0).map((one) => one.disconnect()), ...open.splice(0).map((one) => one.stop())]);
  });
  afterAll(() => kafka.remove());

  function bus(options: Partial<TestBusOptions> = {}): TestBus {
    const { transport, ...others } = options;
    const connection = { brokers: kafka.brokers };
    const one = new TestBus({ transport: { connection, sessionTimeoutMs: 3_000, ...transport }, ...others });
    open.push(one);
    return one;
  }

  async function topicWith(count: number, partitions = 1): Promise<string> {
    const topic = unique('trap');
    await createTopic(kafka.brokers, topic, partitions);
    const messages = Array.from({ length: count }, (_, i) => ({
      key: `k${i}`,
      value: `event ${i}`,
      partition: i % partitions,
    }));
    await produce(kafka.brokers, topic, messages);
    return topic;
  }

  async function plain(
    groupId: string,
    topics: string[],
    eachBatch: (payload: EachBatchPayload) => Promise<void>,
    more: object = {},
  ) {
    const consumer = foreign(kafka.brokers).consumer({
      groupId,
      maxWaitTimeInMs: 50,
      sessionTimeout: 1_000,
      heartbeatInterval: 100,
      ...more,
    });
    naive.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
    await consumer.run({ autoCommit: false, eachBatch });
    await joined;
    return consumer;
  }

  it('A1: completion out of order neither skips nor rewinds the commit', async () => {
    const topic = await topicWith(6);
    const resolved: (string | undefined)[] = [];
    await plain(unique('naive'), [topic], async ({ resolveOffset, uncommittedOffsets }) => {
      for (const offset of ['5', '2']) {
        resolveOffset(offset);
        resolved.push(uncommittedOffsets().topics[0]?.partitions[0]?.offset);
      }
    });
    await eventually(() => expect(resolved.slice(0, 2)).toEqual(['6', '3']));

    const group = unique('ours');
    const ours = await bus({ handle: async () => 'keep' }).start({ group, patterns: [topic] });
    await eventually(() => expect(ours.deliveries).toHaveLength(6));
    const settle = async (offset: number, expected: number): Promise<void> => {
      const delivery = ours.deliveries[offset];
      if (delivery) ours.transport.settle(delivery);
      await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: expected }));
    };
    for (const offset of [5, 2, 1]) await settle(offset, 0);
    await settle(0, 3);
    await settle(4, 3);
    await settle(3, 6);
  });

  it('A2: a fetch position that moves on commits nothing that was not handled', async () => {
    const topic = await topicWith(5);
    const group = unique('naive');
    const consumer = foreign(kafka.brokers).consumer({ groupId: group, maxWaitTimeInMs: 50 });
    naive.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachBatchAutoResolve: true, eachBatch: async () => undefined });
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 5 }));

    const own = unique('ours');
    const ours = await bus({ handle: async () => 'keep' }).start({ group: own, patterns: [topic] });
    await ours.publish(topic, 'one more');
    await eventually(() => expect(ours.deliveries).toHaveLength(6));
    await sleep(300);
    expect(await committed(kafka.brokers, own, topic)).toEqual({ 0: 0 });
  });

  it('A3: a handler that ends after its partition moved commits nothing', async () => {
    const topic = await topicWith(4, 2);
    const group = unique('naive');
    const first = await plain(group, [topic], async () => undefined);
    const movedTo = await plain(group, [topic], async () => undefined);
    const lost = await eventually(async () => {
      const { members } = await movedTo.describeGroup();
      expect(members).toHaveLength(2);
      return 1;
    });
    await eventually(() => first.commitOffsets([0, lost].map((partition) => ({ topic, partition, offset: '2' }))));
    expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 2, 1: 2 });

    const own = unique('ours');
    const one = await bus({ handle: async () => 'keep', rebalanceDrainMs: 100 }).start({
      group: own,
      patterns: [topic],
    });
    await eventually(() => expect(one.deliveries).toHaveLength(4));
    const other = await bus({ handle: async () => 'keep' }).start({ group: own, patterns: [topic] });
    await eventually(() => expect(other.deliveries).toHaveLength(2));
    for (const delivery of one.deliveries) one.transport.settle(delivery);
    const kept = Number(one.owned[0]?.match(/\[(\d)\]/)?.[1]);
    await eventually(async () =>
      expect(await committed(kafka.brokers, own, topic)).toEqual({ [kept]: 2, [1 - kept]: 0 }),
    );
  });

  it('A3: the broker refuses a commit that is signed with an earlier generation', async () => {
    const topic = await topicWith(2, 2);
    const ours = await bus().start({ group: 'unused', patterns: [topic] });
    const group = unique('ours');
    const assigned = vi.spyOn(GroupFetch.prototype, 'assigned');
    const one = await bus().start({ group, patterns: [topic] });
    const old = assigned.mock.calls[0]?.[0];
    const other = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect([one.owned.length, other.owned.length]).toEqual([1, 1]));

    await expect(
      old?.coordinator.commit(old, [{ topic, partition: 0, offset: 1n, metadata: '' }]),
    ).rejects.toMatchObject({
      type: 'ILLEGAL_GENERATION',
    });
    expect(ours.owned).toHaveLength(2);
  });

  it('A4: metadata goes with the commit and comes back; too much of it holds up no progress', async () => {
    const topic = await topicWith(2, 2);
    const naiveGroup = unique('naive');
    const consumer = await plain(naiveGroup, [topic], async () => undefined);
    const plainOnes = [0, 1].map((partition) => ({ topic, partition, offset: '1', metadata: '' }));
    const tooMuch = { topic, partition: 0, offset: '1', metadata: 'x'.repeat(4_097) };
    await eventually(async () => {
      await consumer.commitOffsets(plainOnes.map((one) => ({ ...one, offset: '0' })));
      expect(await committed(kafka.brokers, naiveGroup, topic)).toEqual({ 0: 0, 1: 0 });
    });
    await expect(consumer.commitOffsets([tooMuch, ...plainOnes.slice(1)])).rejects.toMatchObject({
      cause: { type: 'OFFSET_METADATA_TOO_LARGE' },
    });
    expect(await committed(kafka.brokers, naiveGroup, topic)).toEqual({ 0: 0, 1: 1 });

    const group = unique('ours');
    const first = await bus({ handle: async () => 'keep' }).start({ group, patterns: [topic] });
    for (let i = 2; i < 40; i += 1) await first.publish(topic, `event ${i}`, { key: `k${i}` });
    await eventually(() => expect(first.deliveries).toHaveLength(40));
    const done = first.deliveries.filter(({ position }) => 'offset' in position && position.offset % 2 === 1);
    for (const delivery of done) first.transport.settle(delivery);
    await eventually(async () => {
      const [found] = await withAdmin(kafka.brokers, (admin) =>
        admin.fetchOffsets({ groupId: group, topics: [topic] }),
      );
      const texts = found?.partitions.map(({ metadata }) => metadata ?? '') ?? [];
      expect(texts.filter((text) => text.startsWith('bus/1 earliest done/1 '))).toHaveLength(2);
    });
    await first.stop();

    const second = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(second.deliveries).toHaveLength(40 - done.length));
    const fresh = second.bodies.filter((body) => done.every((delivery) => bodyOf(delivery) !== body));
    expect(fresh).toHaveLength(40 - done.length);
    expect(second.group(group)['maps']).toMatchObject({ taken: 2, skipped: done.length, refused: {} });
  });

  it('A4: a broker that takes less metadata than others gets smaller maps, and all progress', async () => {
    const small = await startKafka({
      properties: { 'offset.metadata.max.bytes': 300, 'group.min.session.timeout.ms': 500 },
    });
    const topic = unique('trap');
    const group = unique('ours');
    await createTopic(small.brokers, topic);
    const messages = Array.from({ length: 4_000 }, (_, i) => ({ key: `k${i}`, value: String(i), partition: 0 }));
    await produce(small.brokers, topic, messages);
    const ours = bus({ transport: { connection: { brokers: small.brokers } }, handle: async () => 'keep' });
    await ours.start({ group, patterns: [topic] });
    await eventually(() => expect(ours.deliveries).toHaveLength(4_000));
    for (const [i, delivery] of ours.deliveries.entries()) if (i > 9 && i % 3 > 0) ours.transport.settle(delivery);
    const stored = async () => {
      const [found] = await withAdmin(small.brokers, (admin) =>
        admin.fetchOffsets({ groupId: group, topics: [topic] }),
      );
      return found?.partitions[0];
    };
    await eventually(async () => expect((await stored())?.metadata).toMatch(/^bus\/1 earliest done\/1 \S+$/));
    expect((await stored())?.metadata?.length).toBeLessThanOrEqual(300);
    expect(ours.group(group)['maps']).toMatchObject({ truncated: expect.any(Number) });
    for (const delivery of ours.deliveries.slice(0, 1_000)) ours.transport.settle(delivery);
    await eventually(async () => expect((await stored())?.offset).toBe('1002'));
    const refused = ours.log.filter(({ fields }) => fields.error === 'OFFSET_METADATA_TOO_LARGE');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(6);
    await ours.stop();
    await small.remove();
  });

  it('A5: a handler that runs for longer than the session time-out keeps its membership', async () => {
    const topic = await topicWith(1);
    const group = unique('naive');
    let runs = 0;
    await plain(group, [topic], async () => {
      runs += 1;
      await sleep(2_000);
    });
    await eventually(() => expect(runs).toBeGreaterThan(1));

    const ours = bus({
      transport: { connection: { brokers: kafka.brokers }, sessionTimeoutMs: 1_000, heartbeatIntervalMs: 100 },
      handle: async () => {
        await sleep(2_500);
        return 'settle';
      },
    });
    const own = unique('ours');
    await ours.start({ group: own, patterns: [topic] });
    await eventually(() => expect(ours.handled).toHaveLength(1));
    expect(ours.runs).toHaveLength(1);
    expect(ours.group(own)['rebalances']).toBe(1);
  });

  it('A6: retained partitions are not delivered again while their handlers run', async () => {
    const topic = await topicWith(8, 2);
    const group = unique('naive');
    const seen: string[] = [];
    const keepSeen = async ({ batch, resolveOffset }: EachBatchPayload): Promise<void> => {
      for (const { value } of batch.messages) seen.push(String(value));
      resolveOffset(batch.lastOffset());
    };
    await plain(group, [topic], keepSeen);
    await eventually(() => expect(seen).toHaveLength(8));
    await plain(group, [topic], keepSeen);
    await eventually(() => expect(seen).toHaveLength(16));

    const own = unique('ours');
    const first = await bus({ handle: async () => 'keep', rebalanceDrainMs: 200 }).start({
      group: own,
      patterns: [topic],
    });
    await eventually(() => expect(first.deliveries).toHaveLength(8));
    const second = await bus({ handle: async () => 'keep' }).start({ group: own, patterns: [topic] });
    await eventually(() => expect(second.deliveries).toHaveLength(4));
    await sleep(300);
    expect(first.deliveries).toHaveLength(8);
    expect(first.owned).toHaveLength(1);
  });

  it('A7: a crash that kafkajs does not come back from is followed by a new consumer', async () => {
    const topic = await topicWith(1);
    const crashes: boolean[] = [];
    const consumer = await plain(unique('naive'), [topic], async () => {
      throw new TypeError('not retriable');
    });
    consumer.on('consumer.crash', ({ payload }) => void crashes.push(payload.restart));
    await eventually(() => expect(crashes).toEqual([false]));

    const ours = bus();
    const group = unique('ours');
    await ours.start({ group, patterns: [topic] });
    await eventually(() => expect(ours.deliveries).toHaveLength(1));
    vi.spyOn(GroupFetch.prototype, 'fetchable').mockImplementationOnce(() => {
      throw new TypeError('not retriable');
    });
    await ours.publish(topic, 'after the crash');
    await eventually(() => expect(ours.group(group)['restarts']).toBe(1));
    await eventually(() => expect(ours.bodies).toEqual(['event 0', 'after the crash']));
    expect(ours.lostSources).toHaveLength(1);
    expect(ours.log.map(({ message }) => message)).toContain('A consumer of Kafka ended; another one is started.');
  });

  it('A12: control records leave holes that the commit passes over', async () => {
    const topic = await topicWith(0);
    const producer = foreign(kafka.brokers).producer({
      transactionalId: unique('tx'),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (const [value, end] of [
      ['one', 'commit'],
      ['two', 'abort'],
      ['three', 'commit'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await transaction[end]();
    }
    await producer.disconnect();

    const group = unique('ours');
    const ours = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(ours.bodies).toEqual(['one', 'three']));
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 6 }));
  });

  it('A15: what retention took is reported, and everything that is left is delivered', async () => {
    const topic = await topicWith(10);
    const groups = [unique('naive'), unique('ours')];
    await withAdmin(kafka.brokers, async (admin) => {
      for (const groupId of groups)
        await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '0' }] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
    });
    const [group = '', own = ''] = groups;
    const consumer = foreign(kafka.brokers).consumer({ groupId: group, maxWaitTimeInMs: 50 });
    naive.push(consumer);
    let seen = 0;
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    await consumer.run({ autoCommit: false, eachMessage: async () => void (seen += 1) });
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: -1 }));

    const ours = await bus().start({ group: own, patterns: [topic] });
    await eventually(() => expect(ours.bodies).toEqual(['event 6', 'event 7', 'event 8', 'event 9']));
    expect(ours.group(own)['lostToRetention']).toBe(6);
    expect(ours.log.filter(({ level }) => level === 'error').map(({ fields }) => fields['lost'])).toEqual([6]);
    await eventually(async () => expect(await committed(kafka.brokers, own, topic)).toEqual({ 0: 10 }));
    expect(seen).toBe(0);
  });

  it('A16: a topic that only some members subscribe to is consumed by those', async () => {
    const [older, newer] = [await topicWith(2), await topicWith(2)];
    const group = unique('naive');
    const seen: string[] = [];
    const keepSeen = async ({ batch }: EachBatchPayload): Promise<void> => void seen.push(batch.topic);
    await plain(group, [older], keepSeen);
    await plain(group, [older, newer], keepSeen);
    await sleep(1_000);
    expect(seen).not.toContain(newer);

    const own = unique('ours');
    await bus().start({ group: own, patterns: [older] });
    const added = await bus().start({ group: own, patterns: [older, newer] });
    await eventually(() => expect(added.deliveries.filter(({ message }) => message.topic === newer)).toHaveLength(2));
  });

  it('A17: a topic that comes later is consumed without leaving the group', async () => {
    const prefix = unique('later');
    const first = `${prefix}.one`;
    await createTopic(kafka.brokers, first);
    const consumer = await plain(unique('naive'), [first], async () => undefined);
    await expect(consumer.subscribe({ topics: [`${prefix}.two`] })).rejects.toThrow('while consumer is running');

    const group = unique('ours');
    const ours = bus({
      transport: { connection: { brokers: kafka.brokers }, topicRefreshMs: 200 },
      handle: async () => 'keep',
    });
    await ours.start({ group, patterns: [`${prefix}.*`] });
    await ours.publish(first, 'in flight');
    await eventually(() => expect(ours.deliveries).toHaveLength(1));
    const { memberId } = ours.group(group);
    await createTopic(kafka.brokers, `${prefix}.two`, 2);
    const publisher = await bus().start();
    await eventually(async () => expect((await publisher.publish(`${prefix}.two`, 'hello')).how).toBe('confirmed'));
    await eventually(() => expect(ours.bodies).toContain('hello'));

    expect(ours.group(group)['memberId']).toBe(memberId);
    expect(ours.revokedSources).toEqual([]);
    expect(ours.bodies.filter((body) => body === 'in flight')).toHaveLength(1);
  });

  /** What a plain consumer handles that skips what the metadata of its commit calls done. */
  async function handledOnTrust(group: string, topic: string): Promise<string[]> {
    const [stored] = await withAdmin(kafka.brokers, (admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }));
    const [, ...done] = stored?.partitions[0]?.metadata?.split(' ') ?? [];
    const handled: string[] = [];
    const consumer = await plain(group, [topic], async ({ batch }) => {
      const left = batch.messages.filter(({ offset }) => !done.includes(offset));
      handled.push(...left.map(({ value }) => String(value)));
    });
    await eventually(() => expect(handled).not.toEqual([]));
    await consumer.disconnect();
    return handled;
  }

  it('A18: foreign metadata and a topic made anew by the same name make nothing be skipped', async () => {
    const topic = await topicWith(2);
    await withAdmin(kafka.brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await eventually(() => createTopic(kafka.brokers, topic));
    const values = ['event 0', 'event 1', 'event 2'];
    const messages = values.map((value) => ({ key: 'k', value, partition: 0 }));
    await eventually(() => produce(kafka.brokers, topic, messages.slice(0, 1)));
    await produce(kafka.brokers, topic, messages.slice(1));
    /** As a backup of the group's offsets gives back, from the time of the earlier topic of this name. */
    const restored = [{ topic, partition: 0, offset: '0', metadata: 'done: 1' }];
    const [group, own] = [unique('naive'), unique('ours')];
    for (const groupId of [group, own]) {
      const restorer = await plain(groupId, [topic], async () => undefined);
      await eventually(() => restorer.commitOffsets(restored));
      await restorer.disconnect();
    }
    expect(await handledOnTrust(group, topic)).toEqual(['event 0', 'event 2']);

    const ours = bus({ transport: { connection: { brokers: kafka.brokers }, topicRefreshMs: 300 } });
    await ours.start({ group: own, patterns: [topic] });
    await eventually(() => expect(ours.bodies).toEqual(values));
    await withAdmin(kafka.brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await eventually(() => createTopic(kafka.brokers, topic));
    const publisher = await bus().start();
    await eventually(async () => expect((await publisher.publish(topic, 'anew')).how).toBe('confirmed'));
    await eventually(() => expect(ours.bodies).toContain('anew'), { timeoutMs: 20_000 });
  });
});
