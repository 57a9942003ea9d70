import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  bodyOf,
  committed,
  createTopic,
  foreign,
  produce,
  record,
  TestBus,
  type TestBusOptions,
  withAdmin,
} from '../../integration/kafka/harness.js';
import { type KafkaServer, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { InstanceProcess } from './support/process.js';

const EVENTS = 3_000;
const KEYS = 200;
/** Its lane holds 15 events: they wait behind it. */
const STUCK = 'event 50';
const WAITING = EVENTS / KEYS;
const SLOW = { timeoutMs: 25_000 };

describe('F24: progress kept past a gap', () => {
  let kafka: KafkaServer;
  let folder: string;
  const processes: InstanceProcess[] = [];
  const open: TestBus[] = [];

  beforeAll(async () => {
    kafka = await startKafka({ properties: { 'group.min.session.timeout.ms': 500 } });
    folder = mkdtempSync(join(tmpdir(), 'eventbus-gap-'));
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(open.splice(0).map((one) => one.stop()));
  });
  afterAll(async () => {
    await kafka.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const transport = () => ({
    connection: { brokers: kafka.brokers },
    sessionTimeoutMs: 1_500,
    heartbeatIntervalMs: 200,
  });

  async function topicWith(count: number, partitions = 1): Promise<{ topic: string; group: string }> {
    const topic = unique('orders');
    await createTopic(kafka.brokers, topic, partitions);
    const messages = Array.from({ length: count }, (_, i) => ({
      key: `k${Math.floor(i / partitions) % KEYS}`,
      value: `event ${i}`,
      partition: i % partitions,
    }));
    await produce(kafka.brokers, topic, messages);
    return { topic, group: unique('billing') };
  }

  function bus(options: Partial<TestBusOptions> = {}): TestBus {
    const one = new TestBus({ transport: transport(), rebalanceDrainMs: 300, ...options });
    open.push(one);
    return one;
  }

  /** Keeps these, settles the others. */
  const keeping =
    (kept: (offset: number) => boolean): NonNullable<TestBusOptions['handle']> =>
    async ({ position }) =>
      'offset' in position && kept(position.offset) ? 'keep' : 'settle';

  const stored = async (group: string, topic: string) => {
    const [found] = await withAdmin(kafka.brokers, (admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }));
    return (found?.partitions ?? []).toSorted((one, other) => one.partition - other.partition);
  };

  /** Resolves when a commit of this partition says all that is done, for a while. */
  async function unchanged(group: string, topic: string): Promise<string> {
    for (let before = '', same = 0; ;) {
      await sleep(150);
      const now = JSON.stringify(await stored(group, topic));
      same = now === before ? same + 1 : 0;
      before = now;
      if (same === 3) return now;
    }
  }

  async function killedInFrontOfAGap(topic: string, group: string): Promise<string> {
    const file = join(folder, `${topic}.log`);
    writeFileSync(file, '');
    const first = await InstanceProcess.start({ file, group, topic, transport: transport(), stuck: [STUCK] });
    processes.push(first);
    await eventually(() => expect(first.done).toHaveLength(EVENTS - WAITING), SLOW);
    await unchanged(group, topic);
    await first.kill();
    expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 50 });
    return file;
  }

  async function handledBySuccessor(topic: string, group: string, file: string) {
    const second = await InstanceProcess.start({ file, group, topic, transport: transport(), stuck: [] });
    processes.push(second);
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: EVENTS }), SLOW);
    const all = second.done;
    return { all, again: all.length - new Set(all).size, details: await second.details() };
  }

  it('F24: after a kill -9 the next owner handles nothing again that was done, and everything that was not', async () => {
    const { topic, group } = await topicWith(EVENTS);
    const file = await killedInFrontOfAGap(topic, group);
    const { all, again, details } = await handledBySuccessor(topic, group, file);

    expect(new Set(all).size).toBe(EVENTS);
    expect(again).toBe(0);
    expect(details['maps']).toMatchObject({ taken: 1, skipped: EVENTS - 50 - WAITING, refused: {} });
  }, 60_000);

  it('F24: without the map, as after a reset of the offsets by another tool, all of it is handled again', async () => {
    const { topic, group } = await topicWith(EVENTS);
    const file = await killedInFrontOfAGap(topic, group);
    const reset = [{ partition: 0, offset: '50' }];
    await eventually(
      () => withAdmin(kafka.brokers, (admin) => admin.setOffsets({ groupId: group, topic, partitions: reset })),
      SLOW,
    );
    const { all, again, details } = await handledBySuccessor(topic, group, file);

    expect(new Set(all).size).toBe(EVENTS);
    expect(again).toBe(EVENTS - 50 - WAITING);
    expect(details['maps']).toMatchObject({ taken: 0, missing: 1, skipped: 0 });
  }, 60_000);

  it('goes with a partition that moves while it runs, and with one that is given up at the end', async () => {
    const { topic, group } = await topicWith(800, 2);
    const isKept = (offset: number): boolean => offset % 10 === 3;
    const first = await bus({ handle: keeping(isKept) }).start({ group, patterns: [topic] });
    await eventually(() => expect(first.handled).toHaveLength(800));

    const second = await bus({ handle: keeping(isKept) }).start({ group, patterns: [topic] });
    await eventually(() => expect(second.deliveries).toHaveLength(40), SLOW);
    await first.stop();
    await eventually(() => expect(second.deliveries).toHaveLength(80), SLOW);
    await second.stop();
    const third = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(third.deliveries).toHaveLength(80), SLOW);

    await sleep(500);
    for (const one of [second, third]) {
      expect(one.deliveries).toHaveLength(80);
      expect(one.group(group)['maps']).toMatchObject({ taken: 2, skipped: 720 - 2 * 3, refused: {} });
    }
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 400, 1: 400 }));
  });

  it('leaves other consumers of the group alone: a plain one goes on at the offset, and after it we at its', async () => {
    const { topic, group } = await topicWith(100);
    const first = await bus({ handle: keeping((offset) => offset === 10) }).start({ group, patterns: [topic] });
    await eventually(() => expect(first.handled).toHaveLength(100));
    await first.stop();
    const [before] = await stored(group, topic);
    expect(before?.offset).toBe('10');
    expect(before?.metadata).toContain('done/1 ');

    const seen: string[] = [];
    const plain = foreign(kafka.brokers).consumer({ groupId: group, maxWaitTimeInMs: 100 });
    await plain.connect();
    await plain.subscribe({ topics: [topic], fromBeginning: true });
    await plain.run({
      autoCommitThreshold: 1,
      eachMessage: async ({ message }) => void (seen.length < 20 && seen.push(String(message.value))),
    });
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 100 }), SLOW);
    expect(seen[0]).toBe('event 10');
    await plain.disconnect();
    await withAdmin(kafka.brokers, (admin) =>
      eventually(() => admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '30' }] })),
    );

    const next = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(next.deliveries).toHaveLength(70), SLOW);
    expect(bodyOf(next.deliveries[0] ?? expect.fail())).toBe('event 30');
  });

  it('stops a partition before its map becomes too large, names the key that holds it, and goes on afterwards', async () => {
    const { topic, group } = await topicWith(60_000, 2);
    const isKept = (offset: number): boolean => offset % 12 === 3;
    const inFirst = ({ source }: { source: { partition?: number | undefined } }): boolean => source.partition === 0;
    const one = await bus({
      handle: async (delivery) => {
        const { position } = delivery;
        return inFirst(delivery) && 'offset' in position && isKept(position.offset) ? 'keep' : 'settle';
      },
    }).start({ group, patterns: [topic] });
    const delivered = (partition: number): number =>
      one.deliveries.filter(({ source }) => source.partition === partition).length;
    await eventually(() => expect(delivered(1)).toBe(30_000), SLOW);
    await eventually(() => expect(one.group(group)['maps']).toMatchObject({ full: 1 }), SLOW);
    await sleep(500);
    const stoppedAt = delivered(0);
    expect(stoppedAt).toBeLessThan(25_000);
    expect(one.group(group)['maps']).toMatchObject({ full: 1, truncated: 0 });
    expect(one.group(group)['assigned']).toEqual(
      expect.arrayContaining([expect.objectContaining({ isMapFull: true, held: { offset: '3', key: 'k3' } })]),
    );
    expect(one.assignedSources.find(({ partition }) => partition === 0)?.progress.heldBy).toContain('commit');
    const [first] = await stored(group, topic);
    expect(first?.metadata?.length).toBeLessThanOrEqual(4_096);
    const warning = one.log.find(({ message }) => message.includes('fetches no more'));
    expect(warning?.fields).toMatchObject({ group, topic, partition: 0, offset: '3', key: 'k3' });

    const settled = new Set<unknown>();
    await eventually(() => {
      for (const delivery of one.deliveries.filter((candidate) => !settled.has(candidate))) {
        settled.add(delivery);
        one.transport.settle(delivery);
      }
      expect(delivered(0)).toBe(30_000);
    }, SLOW);
    await eventually(async () =>
      expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 30_000, 1: 30_000 }),
    );
  }, 60_000);

  it('says as much as fits when what is in hand breaks up further, and only the rest is handled again', async () => {
    const { topic, group } = await topicWith(60_000);
    const first = await bus({ handle: async () => 'keep' }).start({ group, patterns: [topic] });
    await eventually(() => expect(first.deliveries).toHaveLength(60_000), SLOW);
    for (const [i, delivery] of first.deliveries.entries()) if (i % 2 === 1) first.transport.settle(delivery);
    await unchanged(group, topic);
    expect((await stored(group, topic))[0]?.metadata?.length).toBeGreaterThan(4_000);
    expect(first.group(group)['maps']).toMatchObject({ truncated: expect.any(Number) });
    await first.stop();

    const second = await bus().start({ group, patterns: [topic] });
    await eventually(() => expect(second.deliveries.at(-1)?.position).toMatchObject({ offset: 59_999 }), SLOW);
    const skipped = Number(record(second.group(group)['maps'])['skipped']);
    expect(skipped).toBeGreaterThan(12_000);
    expect(second.deliveries).toHaveLength(60_000 - skipped);
    const again = second.deliveries.filter(({ position }) => 'offset' in position && position.offset % 2 === 1);
    expect(again).toHaveLength(30_000 - skipped);
    await eventually(async () => expect(await committed(kafka.brokers, group, topic)).toEqual({ 0: 60_000 }), SLOW);
  }, 60_000);
});
