import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOL } from '../../../lib/transports/kafka/driver/assignment-wire.js';
import { createTopic, foreign, TestBus, withAdmin } from '../../integration/kafka/harness.js';
import { keyOfBody, overlaps } from '../../integration/kafka/judge.js';
import { type KafkaServer, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { handledBy, handleSlowly, Load } from './support/load.js';

const SLOW = { timeoutMs: 40_000 };
const PARTITIONS = 6;
const MAX_UNCOMMITTED = 25;

describe('A group of a stock consumer of kafkajs and of ours, under load with slow handlers', () => {
  const open: TestBus[] = [];
  const others: Consumer[] = [];
  let kafka: KafkaServer;

  beforeAll(async () => {
    kafka = await startKafka({ properties: { 'group.min.session.timeout.ms': 500 } });
  });
  afterEach(async () => {
    await Promise.all([...open.splice(0).map((one) => one.stop()), ...others.splice(0).map((one) => one.disconnect())]);
  });
  afterAll(() => kafka.remove());

  async function setup() {
    const [topic, group] = [unique('orders'), unique('billing')];
    await createTopic(kafka.brokers, topic, PARTITIONS);
    const connection = { brokers: kafka.brokers };
    const transport = { connection, sessionTimeoutMs: 10_000, maxUncommitted: MAX_UNCOMMITTED };
    const started = (...groups: Parameters<TestBus['start']>) => {
      const one = new TestBus({ transport, rebalanceDrainMs: 5_000, handle: handleSlowly });
      open.push(one);
      return one.start(...groups);
    };
    const protocol = async (): Promise<string> => {
      const { groups } = await withAdmin(kafka.brokers, (admin) => admin.describeGroups([group]));
      return groups[0]?.protocol ?? '';
    };
    const load = new Load(await started(), topic);
    return { topic, group, member: () => started({ group, patterns: [topic] }), load, protocol };
  }

  /** What it has handled, in order; it commits by itself, as kafkajs does. */
  async function stockConsumer(groupId: string, topic: string) {
    const handled: string[] = [];
    const consumer = foreign(kafka.brokers).consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 500 });
    others.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void handled.push(String(message.value)) });
    return { consumer, handled };
  }

  const owned = (members: readonly TestBus[]) => members.map((one) => one.owned.length);

  /** Nothing is lost, and what was handled twice is within the bound of one move of each partition. */
  async function judge(confirmed: ReadonlySet<string>, handled: readonly string[], members: readonly TestBus[]) {
    const all = () => [...handled, ...handledBy(members)];
    await eventually(() => expect([...confirmed].filter((body) => !all().includes(body))).toEqual([]), SLOW);
    const again = all().length - new Set(all()).size;
    if (process.env['EVENTBUS_TEST_VERDICTS'])
      process.stdout.write(
        `${expect.getState().currentTestName}: ${JSON.stringify({ confirmed: confirmed.size, byStock: handled.length, byOurs: handledBy(members).length, again })}\n`,
      );
    expect(again, 'handled twice').toBeLessThanOrEqual(PARTITIONS * MAX_UNCOMMITTED);
  }

  it('goes from the stock consumer to ours, and nothing is lost', async () => {
    const { topic, group, member, load, protocol } = await setup();
    const { consumer, handled } = await stockConsumer(group, topic);
    await eventually(() => expect(handled.length).toBeGreaterThan(100), SLOW);

    const members = [await member()];
    await eventually(() => expect(handledBy(members).length).toBeGreaterThan(50), SLOW);
    expect(await protocol()).toBe('RoundRobinAssigner');
    members.push(await member());
    await eventually(() => expect(owned(members)).toEqual([2, 2]), SLOW);
    await sleep(1_000);
    await consumer.disconnect();
    await eventually(async () => expect(await protocol()).toBe(PROTOCOL), SLOW);
    await eventually(() => expect(owned(members)).toEqual([3, 3]), SLOW);
    const before = handledBy(members).length;
    await eventually(() => expect(handledBy(members).length).toBeGreaterThan(before + 200), SLOW);
    await judge(await load.end(), handled, members);
    expect(overlaps(members, keyOfBody)).toEqual([]);
  }, 120_000);

  it('goes back from ours to the stock consumer, and nothing is lost', async () => {
    const { topic, group, member, load, protocol } = await setup();
    const members = await Promise.all([member(), member()]);
    await eventually(() => expect(owned(members)).toEqual([3, 3]), SLOW);
    await eventually(() => expect(handledBy(members).length).toBeGreaterThan(400), SLOW);
    expect(await protocol()).toBe(PROTOCOL);

    const { handled } = await stockConsumer(group, topic);
    await eventually(() => expect(handled.length).toBeGreaterThan(50), SLOW);
    expect(await protocol()).toBe('RoundRobinAssigner');
    expect(owned(members)).toEqual([2, 2]);
    for (const leaving of members) {
      const before = handled.length;
      await leaving.stop();
      await eventually(() => expect(handled.length).toBeGreaterThan(before + 100), SLOW);
    }
    const confirmed = await load.end();
    expect(owned(members)).toEqual([0, 0]);
    await judge(confirmed, handled, members);
  }, 120_000);
});
