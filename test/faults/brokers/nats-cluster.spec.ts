import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerControls } from '../../../tools/brokers/broker-process.js';
import { type NatsCluster, startNatsCluster } from '../../../tools/faults/index.js';
import { NATS_VERSION, type NatsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { NatsSite } from './support/site.js';

const STREAM = { replicas: 3, partitions: 2 } as const;

/** Streams of three replicas on three servers, each server behind a proxy. */
describe(`A cluster of three, nats-server ${NATS_VERSION}`, () => {
  let cluster: NatsCluster;
  let site: NatsSite;
  let run: FaultRun;

  beforeAll(async () => {
    cluster = await startNatsCluster();
    const { proxies, urls: servers, direct } = cluster;
    const none = (): never => {
      throw new Error('One of the nodes is to be struck, not all.');
    };
    const broker: BrokerControls = { stop: none, kill: none, pause: none, resume: none, restart: none, remove: none };
    site = new NatsSite(
      { broker, proxies, servers, direct, remove: () => cluster.remove() },
      { stream: STREAM, transport: { deadLetters: { replicas: 3 } } },
    );
  });
  beforeEach(async () => {
    run = await FaultRun.start(site, { ackTimeoutMs: 5_000 });
  });
  afterEach(() => run.close());
  afterAll(() => cluster.remove());

  /** Who leads the run's stream now. */
  async function streamLeader(): Promise<NatsServer> {
    const { cluster: found } = await site.manage((manager) => manager.streams.info(run.topic));
    const node = await cluster.nodeNamed(found?.leader);
    if (node === undefined) throw new Error('The stream has no leader.');
    return node;
  }

  async function metaLeader(): Promise<NatsServer> {
    const node = await cluster.metaLeader();
    if (node === undefined) throw new Error('JetStream has no leader.');
    return node;
  }

  /** Back with the others, and level with them. */
  async function bringBack(...nodes: readonly NatsServer[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.restart()));
    await eventually(
      async () => {
        const { cluster: found } = await site.manage((manager) => manager.streams.info(run.topic));
        expect(found?.replicas?.map(({ current }) => current)).toEqual([true, true]);
      },
      { timeoutMs: 60_000, intervalMs: 100 },
    );
  }

  it('keeps its streams on all three', async () => {
    const { config, cluster: found } = await site.manage((manager) => manager.streams.info(run.topic));
    expect(config.num_replicas).toBe(3);
    expect(found?.replicas).toHaveLength(2);
    await run.strike(() => undefined);
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('loses nothing and keeps the order when leaders of streams and consumers step down', async () => {
    for (let times = 1; times <= 3; times += 1) {
      const before = await streamLeader();
      await run.strike(() =>
        site.manage(async (manager, connection) => {
          const consumers = await manager.consumers.list(run.topic).next();
          const leaders = consumers.map(({ name }) => `CONSUMER.LEADER.STEPDOWN.${run.topic}.${name}`);
          for (const what of [...leaders, `STREAM.LEADER.STEPDOWN.${run.topic}`]) {
            await connection.request(`$JS.API.${what}`, '', { timeout: 2_000 });
          }
        }),
      );
      await eventually(async () => expect((await streamLeader()).port).not.toBe(before.port), { timeoutMs: 60_000 });
      await run.progress(200);
    }
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it("loses nothing and keeps the order when the stream's leader is killed", async () => {
    const leader = await streamLeader();
    await run.strike(() => leader.kill());
    await run.progress(300);
    await bringBack(leader);
    await run.progress(200);
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it("loses nothing and keeps the order when JetStream's own leader is killed", async () => {
    const leader = await metaLeader();
    await run.strike(() => leader.kill());
    await run.progress(300);
    await eventually(async () => expect(await cluster.metaLeader()).toBeDefined(), { timeoutMs: 60_000 });
    await bringBack(leader);
    await run.progress(200);
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('loses nothing and keeps the order when each server is killed in turn', async () => {
    for (const node of cluster.nodes) {
      await run.strike(() => node.kill());
      await run.progress(200);
      await bringBack(node);
    }
    expectUnharmed(await run.finish(), site);
  }, 240_000);

  it('waits while no leader can be found, and goes on when there is one again', async () => {
    const leader = await streamLeader();
    const [other] = cluster.nodes.filter((node) => node !== leader);
    if (other === undefined) throw new Error('There is no other.');
    await run.strike(() => Promise.all([leader.kill(), other.kill()]));
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await bringBack(leader, other);
    await run.progress(500);
    expectUnharmed(await run.finish(), site);
  }, 150_000);
});
