import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KAFKA_VERSION, type KafkaNode } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { KafkaSite, PARTITIONS } from './support/site.js';

const NODES = [1, 2, 3] as const;

/** Topics of three replicas, of which two must have an event, on three brokers, each behind a proxy. */
describe(`F0: three brokers, Kafka ${KAFKA_VERSION}`, () => {
  let site: KafkaSite;
  let run: FaultRun;

  beforeAll(async () => {
    site = await KafkaSite.start({
      nodes: 3,
      heap: '384m',
      properties: {
        'broker.session.timeout.ms': 4_000,
        'broker.heartbeat.interval.ms': 500,
        'leader.imbalance.check.interval.seconds': 1,
        'leader.imbalance.per.broker.percentage': 0,
      },
      topic: { replicationFactor: 3, config: { 'min.insync.replicas': '2' } },
    });
  });
  afterEach(() => run.close());
  afterAll(() => site.remove());

  interface PartitionState {
    readonly leader: number;
    readonly isr: readonly number[];
  }

  /** Of each partition of the run's topic, in their order. */
  async function partitions(): Promise<readonly PartitionState[]> {
    const admin = site.plain().admin();
    try {
      await admin.connect();
      const [found] = (await admin.fetchTopicMetadata({ topics: [run.topic] })).topics;
      return (found?.partitions ?? []).toSorted((a, b) => a.partitionId - b.partitionId);
    } finally {
      await admin.disconnect();
    }
  }

  /** Every partition's leadership goes to another broker, by a new order of replicas: the first of them is elected. */
  async function moveLeaders(before: readonly number[]): Promise<void> {
    const replicasOf = (partition: number): number[] =>
      NODES.map((_, place) => (((before[partition] ?? 0) + place) % 3) + 1);
    const admin = site.plain().admin();
    await admin.connect();
    const partitionAssignment = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      replicas: replicasOf(partition),
    }));
    await admin.alterPartitionReassignments({ topics: [{ topic: run.topic, partitionAssignment }] });
    await admin.disconnect();
    const wanted = partitionAssignment.map(({ replicas }) => replicas[0]);
    await eventually(async () => expect((await partitions()).map(({ leader }) => leader)).toEqual(wanted), {
      timeoutMs: 60_000,
    });
  }

  async function bringBack(node: KafkaNode): Promise<void> {
    await node.restart();
    await eventually(async () => expect((await partitions()).map(({ isr }) => isr.length)).toEqual([3, 3, 3, 3]), {
      timeoutMs: 60_000,
      intervalMs: 200,
    });
  }

  it('loses nothing and keeps the order when leaders move in mid-load', async () => {
    run = await FaultRun.start(site);
    for (let step = 1; step <= 3; step += 1) {
      const before = (await partitions()).map(({ leader }) => leader);
      await run.strike(() => moveLeaders(before));
      expect((await partitions()).map(({ leader }) => leader)).not.toEqual(before);
      await run.progress(200);
    }
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('loses nothing and keeps the order when each broker is killed in turn', async () => {
    run = await FaultRun.start(site);
    for (const node of site.proxied.kafka.nodes) {
      await run.strike(() => node.kill());
      await run.progress(300, 60_000);
      await bringBack(node);
      await run.progress(200, 60_000);
    }
    expectUnharmed(await run.finish(), site);
  }, 240_000);

  it('loses nothing and keeps the order when a broker is cut off from its clients, not from the others', async () => {
    run = await FaultRun.start(site);
    const { proxies } = site;
    for (const proxy of proxies) {
      await run.strike(() => proxy.blackHole());
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await proxy.heal();
      await run.progress(200, 60_000);
    }
    expectUnharmed(await run.finish(), site);
  }, 240_000);
});
