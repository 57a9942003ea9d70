import { PublishRejectedError, type PublishResult } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { natsTransport } from 'nestjs-eventbus/nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { partitionOf } from '../../../lib/core/murmur2.js';
import { ContractApp } from '../../../lib/testing/contract/contract-app.js';
import { keysOf, type Numbered } from '../../../lib/testing/contract/tools.js';
import type { EventIdentity } from '../../../lib/testing/records.js';
import { natsServer } from '../../support/brokers.js';
import { unique } from '../../support/unique.js';
import { KAFKA, kafkaFaults, NATS } from './support/environment.js';
import { FaultTools, useFaults } from './support/fault-tools.js';
import { startTwoLogDirs, type TwoLogDirs } from './support/log-dirs.js';

const ROOM = 20;
/** Events of this number are in the hands of handlers when a directory fails. */
const AT_THE_STRIKE = 4;

describe(`F15: a stream that is full, on ${NATS.name}`, () => {
  const faults = useFaults(NATS);
  let connection: NatsConnection;
  let manager: JetStreamManager;
  beforeAll(async () => {
    connection = await connect({ servers: (await natsServer()).url });
    manager = await connection.jetstreamManager();
  });
  afterAll(() => connection.close());

  it('rejects what does not fit with a typed error, handles what was stored, and recovers', async () => {
    const t = faults();
    const [topic, group] = [unique('full'), t.group()];
    const transport = natsTransport({
      connection: { servers: t.faults.servers },
      streams: [{ name: topic, subjects: [topic], maxMessages: ROOM }],
    });
    const app = await ContractApp.start(transport, { group, handlers: [{ on: topic, handle: t.recorded(topic) }] });
    try {
      const first = await publishEach(t, app, topic, { keys: keysOf(5), count: 6, from: 1 });
      expect(first.filter(({ outcome }) => outcome === 'confirmed')).toHaveLength(ROOM);
      const refused = first.filter(({ outcome }) => outcome !== 'confirmed');
      expect(refused).toHaveLength(5 * 6 - ROOM);
      for (const one of refused)
        expect(one).toMatchObject({
          outcome: 'rejected',
          error: { code: 'EVENT_BUS_PUBLISH_REJECTED', retryable: true },
        });
      const thrown: unknown = await app.bus
        .publish(topic, { key: 'k0', n: 7 }, { key: 'k0' })
        .catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(PublishRejectedError);
      const { config } = await manager.streams.info(topic);
      await manager.streams.update(topic, { ...config, max_msgs: -1 });
      await t.eventually(async () => {
        const { outcome } = await app.bus
          .publish(topic, { key: 'k9', n: 1 }, { key: 'k9' })
          .catch((error: PublishRejectedError) => error.result);
        expect(outcome).toBe('confirmed');
      });
      t.recorder.published({ topic, key: 'k9', sequence: 1 });
      const later = await publishEach(t, app, topic, { keys: keysOf(5), count: 4, from: 11 });
      expect(new Set(later.map(({ outcome }) => outcome))).toEqual(new Set(['confirmed']));
      const { verdict } = await t.accountsForAll(topic, group, { deadLetters: 0 });
      expect(verdict.handled).toBe(ROOM + 1 + later.length);
    } finally {
      await app.close();
    }
  });
});

describe(`F15: one of two log directories fails, on ${KAFKA.name}`, () => {
  let dirs: TwoLogDirs;
  let tools: FaultTools;
  beforeEach(async () => {
    dirs = await startTwoLogDirs();
    tools = new FaultTools(await kafkaFaults(dirs.kafka.brokers), KAFKA);
  });
  afterEach(async () => {
    await tools.close();
    await tools.faults.close();
    await dirs.kafka.remove();
  });

  it('ends publishes to its partitions with a typed error, and publishes to and consumes from the others as ever', async () => {
    const t = tools;
    const topic = await t.env.topic({ partitions: 6 });
    const connection = { brokers: dirs.kafka.brokers };
    const options = { pools: { ack: { timeoutMs: 2_000 } } };
    const warmUp = await ContractApp.start(kafkaTransport({ connection }), {
      group: 'warm-up',
      handlers: [{ on: topic, handle: () => undefined }],
    });
    await warmUp.close();
    const group = dirs.safeGroup('storage');
    const gate = t.gate();
    const work = ({ n }: Numbered): unknown => (n === AT_THE_STRIKE ? gate.pass() : undefined);
    const app = await ContractApp.start(kafkaTransport({ connection, topicRefreshMs: 500 }), {
      ...options,
      group,
      handlers: [{ on: topic, handle: t.recorded(topic, work) }],
    });
    try {
      const keys = keysOf(40);
      const before = await publishEach(t, app, topic, { keys, count: 3, from: 1 });
      expect(new Set(before.map(({ outcome }) => outcome))).toEqual(new Set(['confirmed']));
      await t.handled(before.length);
      const risky = dirs.partitionsAtRisk(topic);
      expect(risky.length).toBeGreaterThan(0);
      expect(risky.length).toBeLessThan(6);
      const isRisky = (key: string): boolean => risky.includes(partitionOf(Buffer.from(key), 6));
      const held = await publishEach(t, app, topic, { keys, count: 1, from: AT_THE_STRIKE });
      await t.eventually(() => expect(gate.waiting).toBe(held.length));
      dirs.fail();

      await t.eventually(async () => {
        const { outcome } = await publishOne(t, app, topic, { key: keys.find(isRisky) ?? '', n: Date.now() });
        expect(outcome).not.toBe('confirmed');
      });
      expect(gate.waiting, 'in flight when it failed').toBe(keys.length);
      gate.open();
      const [lost, safe] = [keys.filter(isRisky), keys.filter((key) => !isRisky(key))];
      const [toLost, toSafe] = await Promise.all([
        publishEach(t, app, topic, { keys: lost, count: 2, from: 10 }),
        publishEach(t, app, topic, { keys: safe, count: 20, from: 10 }),
      ]);
      for (const one of toLost)
        expect(one).toMatchObject({
          outcome: expect.stringMatching(/rejected|unknown/) as string,
          error: { code: expect.stringMatching(/^EVENT_BUS_/) as string },
        });
      expect(toSafe.filter(({ outcome }) => outcome !== 'confirmed')).toEqual([]);
      await t.eventually(() => {
        const { lost: missing } = t.recorder.verdict();
        const isInHand = ({ key, sequence }: EventIdentity): boolean =>
          sequence <= AT_THE_STRIKE || !isRisky(key ?? '');
        expect(missing.filter(isInHand)).toEqual([]);
      });
      expect(t.recorder.verdict()).toMatchObject({ orderViolations: [], duplicates: [] });
    } finally {
      await app.close();
    }
  }, 60_000);
});

async function publishOne(
  t: FaultTools,
  app: ContractApp,
  topic: string,
  event: { readonly key: string; readonly n: number },
): Promise<PublishResult> {
  const [result] = await app.bus.publishMany([{ topic, data: event, options: { key: event.key } }]);
  if (result === undefined) throw new Error('There is no result.');
  t.recorder.published({ topic, key: event.key, sequence: event.n }, result);
  return result;
}

function publishEach(
  t: FaultTools,
  app: ContractApp,
  topic: string,
  { keys, count, from }: { readonly keys: readonly string[]; readonly count: number; readonly from: number },
): Promise<PublishResult[]> {
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  return Promise.all(numbers.flatMap((n) => keys.map((key) => publishOne(t, app, topic, { key, n }))));
}
