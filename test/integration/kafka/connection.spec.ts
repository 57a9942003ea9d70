import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort, type KafkaServer, startKafka, SUPPORTED_KAFKA_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { committed, TestBus, type TestBusOptions } from './harness.js';

const buses: TestBus[] = [];
const servers: KafkaServer[] = [];

async function server(options: Parameters<typeof startKafka>[0] = {}): Promise<KafkaServer> {
  const one = await startKafka({ properties: { 'group.min.session.timeout.ms': 500 }, ...options });
  servers.push(one);
  return one;
}

function bus(brokers: readonly string[], options: Partial<TestBusOptions> = {}): TestBus {
  const one = new TestBus({ transport: { connection: { brokers } }, ...options });
  buses.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(buses.splice(0).map((one) => one.stop()));
  await Promise.all(servers.splice(0).map((one) => one.remove()));
});

describe('The connection to Kafka', () => {
  it('comes up by itself when the broker was away at the start', async () => {
    const port = await freePort();
    const one = bus([`127.0.0.1:${port}`]);
    const connected = one.transport.connect();
    await eventually(() =>
      expect(one.transport.status).toMatchObject({ state: 'connecting', error: expect.any(Error) as Error }),
    );
    expect((await one.publish('orders', 'too early')).how).toBe('unsent');

    await server({ port });
    await connected;
    expect(one.transport.status.state).toBe('connected');
    expect((await one.publish('orders', 'hello')).how).toBe('confirmed');
  });

  it('shows a broker that goes and comes back, and loses nothing', async () => {
    const kafka = await server();
    const group = unique('g');
    const one = await bus(kafka.brokers).start({ group, patterns: ['orders'] });
    for (let i = 0; i < 5; i += 1) await one.publish('orders', `before ${i}`);
    await eventually(() => expect(one.deliveries).toHaveLength(5));

    await kafka.kill();
    await eventually(() => expect(one.transport.status.state).toBe('disconnected'));
    expect((await one.publish('orders', 'while it is away')).how).toBe('unsent');
    await kafka.restart();
    await eventually(() => expect(one.transport.status.state).toBe('connected'), { timeoutMs: 20_000 });
    await eventually(async () => expect((await one.publish('orders', 'after')).how).toBe('confirmed'), {
      timeoutMs: 20_000,
    });

    await eventually(() => expect(one.bodies).toContain('after'), { timeoutMs: 30_000 });
    expect(one.statuses.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['connected', 'disconnected', 'connected']),
    );
    await eventually(async () => {
      const offsets = Object.values(await committed(kafka.brokers, group, 'orders'));
      expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(6);
    });
  }, 90_000);

  it('starts no handler while the lease is in doubt, and goes on when the broker answers again', async () => {
    const kafka = await server();
    const one = bus(kafka.brokers, {
      transport: { connection: { brokers: kafka.brokers }, sessionTimeoutMs: 1_000, heartbeatIntervalMs: 100 },
    });
    await one.start({ group: unique('g'), patterns: ['orders'] });
    const [source] = one.assignedSources;
    expect(source?.lease()).toBe('held');
    kafka.pause();
    await eventually(() => expect(source?.lease()).not.toBe('held'));
    kafka.resume();
    await eventually(() => expect(one.assignedSources.filter((each) => each.lease() === 'held')).toHaveLength(6), {
      timeoutMs: 20_000,
    });
  }, 60_000);

  it('ends quickly while the broker is away', async () => {
    const kafka = await server();
    const one = await bus(kafka.brokers).start({ group: unique('g'), patterns: ['orders'] });
    await kafka.kill();
    await sleep(200);
    await one.stop();
    expect(one.handles.list()).toEqual([]);
  });

  it('says nothing of payloads or secrets in the log', async () => {
    const kafka = await server();
    const one = await bus(kafka.brokers).start({ group: unique('g'), patterns: ['orders'] });
    await one.publish('orders', 'payload-7f3a', { key: 'key-7f3a', headers: [['h', 'header-7f3a']] });
    await kafka.kill();
    await one.publish('orders', 'payload-7f3a');
    await sleep(500);
    expect(
      JSON.stringify(one.log, (_, value: unknown) => (value instanceof Error ? value.stack : value)),
    ).not.toContain('7f3a');
    expect(one.log.filter(({ message }) => message.startsWith('kafkajs')).length).toBeGreaterThan(0);
  });
});

describe.each(SUPPORTED_KAFKA_VERSIONS)('Kafka %s', (version) => {
  it('publishes, consumes, shares out, commits and creates topics', async () => {
    const kafka = await server({ version });
    const group = unique('g');
    const transport = { connection: { brokers: kafka.brokers }, topicRefreshMs: 300 };
    const first = await bus(kafka.brokers, { transport }).start({ group, patterns: ['orders.>'] });
    // a topic that was just made may not have its leaders yet; sending again is not the transport's affair
    await eventually(async () =>
      expect(await first.publish('orders.placed', 'one', { key: 'k' })).toMatchObject({ how: 'confirmed' }),
    );
    await eventually(() => expect(first.bodies).toContain('one'));
    const second = await bus(kafka.brokers, { transport }).start({ group, patterns: ['orders.>'] });
    await eventually(() => expect([first.owned.length, second.owned.length]).toEqual([3, 3]));
    await first.stop();
    await second.publish('orders.placed', 'two', { key: 'k' });

    await eventually(() => expect(second.bodies).toEqual(['two']));
    const stored = first.bodies.length + second.bodies.length;
    await eventually(async () => {
      const offsets = Object.values(await committed(kafka.brokers, group, 'orders.placed'));
      expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(stored);
    });
  });
});
