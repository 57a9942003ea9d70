import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NatsTransportOptions } from '../../../lib/transports/nats/index.js';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { BrokerView } from './support/broker-view.js';
import { Harness, type HarnessOptions, subscription } from './support/harness.js';
import { Proxy } from './support/proxy.js';

const keep = (): void => undefined;

describe.each(SUPPORTED_NATS_VERSIONS)('claims, nats-server %s', (version) => {
  let server: NatsServer;
  let view: BrokerView;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    server = await startNats({ version });
    view = await BrokerView.open(server.url);
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  afterAll(async () => {
    await view.close();
    await server.remove();
  });

  interface Setup {
    readonly topic?: string;
    readonly partitions?: number;
    readonly url?: string;
    readonly ordering?: 'key' | 'none';
    readonly nats?: Partial<NatsTransportOptions>;
    readonly harness?: Partial<HarnessOptions>;
  }

  /** An instance of a group that is named like its topic. */
  async function start({ topic = unique('T'), partitions = 0, url, ordering = 'key', nats, harness }: Setup = {}) {
    const transport: NatsTransportOptions = {
      connection: { servers: url ?? server.url, reconnectDelayMs: 20 },
      streams: [{ name: topic, subjects: [`${topic}.>`], partitions }],
      ackWaitMs: 1_000,
      memberTtlMs: 1_500,
      pullExpiryMs: 500,
      ...nats,
    };
    const bus = await Harness.start({ transport, ...harness }, [subscription(topic, [`${topic}.>`], { ordering })]);
    open.unshift(bus);
    return { bus, topic };
  }

  async function proxied(): Promise<Proxy> {
    const proxy = await Proxy.to(server.port);
    open.push(proxy);
    return proxy;
  }

  const owned = (bus: Harness): number => bus.assigned.length - bus.lost.length;
  const claimsOf = (bus: Harness): Record<string, unknown> => {
    const [claims]: Record<string, unknown>[] = Array.isArray(bus.transport.details()['claims'])
      ? Object.values(Object(bus.transport.details()['claims']))
      : [];
    return claims ?? {};
  };
  const valueOf = async (bucket: string, key: string): Promise<unknown> => {
    const query = { last_by_subj: `$KV.${bucket}.${key}` };
    return (await view.manager.streams.getMessage(`KV_${bucket}`, query))?.json();
  };
  const keysOf = async (bucket: string): Promise<string[]> => {
    const { state } = await view.manager.streams.info(`KV_${bucket}`, { subjects_filter: '>' });
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(`$KV.${bucket}.`.length));
  };

  it('lie in two buckets of the group, which anybody can read', async () => {
    const { bus, topic } = await start({ partitions: 2 });
    await eventually(() => expect(owned(bus)).toBe(3));
    const { member } = claimsOf(bus);

    expect(await keysOf(`${topic}-members`)).toEqual([`m.${String(member)}`]);
    expect(await valueOf(`${topic}-members`, `m.${String(member)}`)).toEqual({ streams: { [topic]: 2 } });
    expect((await keysOf(`${topic}-claims`)).toSorted()).toEqual([topic, `${topic}.0`, `${topic}.1`]);
    expect(await valueOf(`${topic}-claims`, `${topic}.1`)).toEqual({ owner: member, state: 'owned' });
    const { config } = await view.stream(`KV_${topic}-members`);
    expect(config).toMatchObject({ max_age: 1_500e6, max_msgs_per_subject: 1 });
    expect(bus.assigned.every((source) => source.lease() === 'held')).toBe(true);
  });

  it('are not made for a group without keyed handlers, whose instances share every consumer', async () => {
    const { bus: first, topic } = await start({ ordering: 'none' });
    const { bus: second } = await start({ topic, ordering: 'none' });
    await Promise.all(Array.from({ length: 40 }, (_, i) => first.publish(`${topic}.a`, `${i}`)));

    await eventually(() => expect(first.deliveries.length + second.deliveries.length).toBe(40));
    expect([owned(first), owned(second)]).toEqual([1, 1]);
    await expect(view.stream(`KV_${topic}-members`)).rejects.toThrow('stream not found');
  });

  it('share the partitions out evenly as instances come and go, and nothing is handled twice', async () => {
    const { bus: first, topic } = await start({ partitions: 6 });
    await eventually(() => expect(owned(first)).toBe(7));
    const { bus: second } = await start({ topic, partitions: 6 });
    const { bus: third } = await start({ topic, partitions: 6 });
    const all = [first, second, third];
    await eventually(() => expect(all.map(owned).toSorted((a, b) => a - b)).toEqual([2, 2, 3]));
    const publish = (from: number) =>
      Promise.all(Array.from({ length: 60 }, (_, i) => first.publish(`${topic}.a`, `${from + i}`, { key: `k${i}` })));
    await publish(0);
    await eventually(() => expect(all.flatMap((bus) => bus.texts())).toHaveLength(60));
    expect(all.every((bus) => bus.deliveries.length > 0)).toBe(true);

    await third.close();
    await eventually(() => expect([first, second].map(owned).toSorted((a, b) => a - b)).toEqual([3, 4]));
    await publish(60);
    await eventually(() => expect(new Set(all.flatMap((bus) => bus.texts())).size).toBe(120));
    expect(all.flatMap((bus) => bus.texts())).toHaveLength(120);
    expect(await keysOf(`${topic}-members`)).toHaveLength(2);
  });

  it('move a partition only when its owner has drained it', async () => {
    const drained: string[] = [];
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const onRevoking: HarnessOptions['onRevoking'] = async ({ name }) => {
      await gate;
      drained.push(name);
    };
    const { bus: first, topic } = await start({ partitions: 1, harness: { onRevoking, onDelivery: keep } });
    await eventually(() => expect(owned(first)).toBe(2));
    await first.publish(`${topic}.a`, 'keyed', { key: 'k' });
    await first.publish(`${topic}.a`, 'bare');
    await eventually(() => expect(first.deliveries).toHaveLength(2));
    const { bus: second } = await start({ topic, partitions: 1 });
    await eventually(async () =>
      expect(await valueOf(`${topic}-claims`, `${topic}.0`)).toMatchObject({ state: 'draining' }),
    );
    await sleep(2_000); // longer than the membership: it stays theirs
    expect(second.assigned).toEqual([]);

    for (const delivery of first.deliveries) first.settle(delivery);
    letGo();
    await eventually(() => expect(second.assigned.map(({ name }) => name)).toEqual(drained));
    await second.publish(`${topic}.a`, 'next', { key: 'k' });
    await eventually(() => expect(second.texts()).toEqual(['next']));
  });

  it('go to another instance when their owner is not heard of, and only after the owner has let go', async () => {
    const proxy = await proxied();
    const moments: string[] = [];
    const { bus: first, topic } = await start({ url: proxy.url, harness: { onDelivery: keep } });
    await eventually(() => expect(owned(first)).toBe(1));
    await first.publish(`${topic}.a`, '1', { key: 'k' });
    await eventually(() => expect(first.deliveries).toHaveLength(1));
    const { bus: second } = await start({ topic });
    const look = (): void => {
      if (first.deliveries[0]?.source.lease() !== 'held' && !moments.includes('let go')) moments.push('let go');
      if (second.assigned.length > 0 && !moments.includes('taken')) moments.push('taken');
    };
    const watch = setInterval(look, 5);
    proxy.silence();

    await eventually(() => expect(second.texts()).toEqual(['1']));
    clearInterval(watch);
    look();
    expect(moments).toEqual(['let go', 'taken']);
    expect(first.lost).toHaveLength(1);
    expect(claimsOf(first)).toMatchObject({ lease: 'lost', owned: 0, trouble: expect.any(String) });
    expect(first.logged('error').join()).toContain('its lease has run out');
    proxy.sever();
    await eventually(() => expect(claimsOf(first)).toMatchObject({ lease: 'held', members: 2, evictions: 1 }));
  });

  it('are kept through a cut connection, also when the answer to a heartbeat was lost', async () => {
    const proxy = await proxied();
    const { bus, topic } = await start({ url: proxy.url, nats: { memberTtlMs: 3_000 } });
    await eventually(() => expect(owned(bus)).toBe(1));
    const { member } = claimsOf(bus);
    for (let cut = 0; cut < 3; cut++) {
      await proxy.cut(1_000); // a heartbeat every 750 ms: one is written and not answered
      await eventually(() => expect(bus.transport.status.state).toBe('connected'));
    }
    const id = unique('event');
    await eventually(async () =>
      expect(await bus.publish(`${topic}.a`, '1', { id })).toMatchObject({ how: 'confirmed' }),
    );

    await eventually(() => expect(bus.texts()).toEqual(['1']));
    expect(claimsOf(bus)).toMatchObject({ member, evictions: 0, lease: 'held' });
    expect(bus.lost).toEqual([]);
  });

  it('are dropped at once by an instance that somebody removed, which comes back as somebody new', async () => {
    const { bus, topic } = await start({ nats: { memberTtlMs: 1_500 } });
    await eventually(() => expect(owned(bus)).toBe(1));
    const { member } = claimsOf(bus);
    await view.manager.streams.purge(`KV_${topic}-members`, { filter: `$KV.${topic}-members.>` });

    await eventually(() => expect(bus.lost).toHaveLength(1));
    await eventually(() => expect(owned(bus)).toBe(1));
    expect(claimsOf(bus)['member']).not.toBe(member);
    await bus.publish(`${topic}.a`, '1', { key: 'k' });
    await eventually(() => expect(bus.texts()).toEqual(['1']));
  });

  it('are made anew when the buckets were deleted', async () => {
    const { bus, topic } = await start();
    await eventually(() => expect(owned(bus)).toBe(1));
    await view.manager.streams.delete(`KV_${topic}-members`);
    await view.manager.streams.delete(`KV_${topic}-claims`);

    await eventually(() => expect(bus.lost.length).toBeGreaterThan(0), { timeoutMs: 15_000 });
    await eventually(() => expect(owned(bus)).toBe(1), { timeoutMs: 15_000 });
    await bus.publish(`${topic}.a`, '1', { key: 'k' });
    await eventually(() => expect(bus.texts()).toEqual(['1']));
  });

  describe('of an instance with a name', () => {
    const named = { instanceId: 'billing-0', memberTtlMs: 60_000, ackWaitMs: 30_000 };

    it('are gone on with at once after a crash, what it left before anything newer', async () => {
      const proxy = await proxied();
      const crashing = { url: proxy.url, nats: named, harness: { onDelivery: keep } };
      const { bus: first, topic } = await start(crashing);
      for (const n of [1, 2, 3, 4]) await first.publish(`${topic}.a`, `${n}`, { key: 'k' });
      await eventually(() => expect(first.deliveries).toHaveLength(4));
      first.settle(first.deliveries[1] ?? fail());
      await eventually(async () => expect(await view.left(topic, topic)).toEqual([0, 3]));
      await proxy.close();

      const { bus: second } = await start({ topic, nats: named });
      await second.publish(`${topic}.a`, '5', { key: 'k' });
      await eventually(() => expect(second.texts()).toEqual(['1', '3', '4', '5']));
      expect(second.logged('log').join()).toContain('goes on for the "billing-0" before this one');
    });

    it('start nothing while it is cut off', async () => {
      const proxy = await proxied();
      const { bus, topic } = await start({ url: proxy.url, nats: named, harness: { onDelivery: keep } });
      await bus.publish(`${topic}.a`, '1', { key: 'k' });
      await eventually(() => expect(bus.deliveries).toHaveLength(1));
      expect(bus.assigned[0]?.lease()).toBe('held');
      await proxy.close();

      await eventually(() => expect(bus.assigned[0]?.lease()).toBe('unsure'));
      expect(bus.lost).toEqual([]);
    });

    it('are shared like those of any two when another process that lives has the same name', async () => {
      const { bus: first, topic } = await start({ partitions: 1, nats: named });
      await eventually(() => expect(owned(first)).toBe(2));
      const { bus: second } = await start({ topic, partitions: 1, nats: named });

      await eventually(() => expect([owned(first), owned(second)]).toEqual([1, 1]));
      expect(second.logged('warn').join()).toContain('another process that lives has instanceId "billing-0"');
      expect(claimsOf(first)).toMatchObject({ evictions: 0, lease: 'held' });
    });
  });
});

function fail(): never {
  throw new Error('nothing was delivered');
}
