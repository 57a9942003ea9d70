import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { probeKafka } from '../../../tools/brokers/kafka-probe.js';
import { obtainKafka } from '../../../tools/brokers/obtain.js';
import * as ports from '../../../tools/brokers/ports.js';
import {
  type KafkaServer,
  type KafkaServerOptions,
  kafkaTools,
  startKafka,
  SUPPORTED_KAFKA_VERSIONS,
} from '../../support/brokers.js';
import { listen } from '../../support/listen.js';

vi.mock('../../../tools/brokers/ports.js', { spy: true });

const RELEASES: Readonly<Record<string, string>> = { '3.9.1': '3.x', '4.1.0': '4.1 or later' };
const started: KafkaServer[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.remove()));
});

async function setup(options: KafkaServerOptions = {}): Promise<KafkaServer> {
  const server = await startKafka(options);
  started.push(server);
  return server;
}

const clientOf = ({ brokers }: KafkaServer): Kafka => new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });

async function inTopic<T>(server: KafkaServer, use: (client: Kafka) => Promise<T>): Promise<T> {
  const client = clientOf(server);
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
  return use(client);
}

/** The ports of the nodes that the cluster says it has. */
async function nodesOf(brokers: readonly string[]): Promise<number[]> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const cluster = await admin.describeCluster();
  await admin.disconnect();
  return cluster.brokers.map(({ port }) => port);
}

/** Stores one message, and says how many the topic has. */
function store(server: KafkaServer): Promise<number> {
  return inTopic(server, async (client) => {
    const [producer, admin] = [client.producer(), client.admin()];
    await Promise.all([producer.connect(), admin.connect()]);
    await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'message' }] });
    const [partition] = await admin.fetchTopicOffsets('kept');
    await Promise.all([producer.disconnect(), admin.disconnect()]);
    return Number(partition?.high);
  });
}

describe.each(SUPPORTED_KAFKA_VERSIONS)('a Kafka of version %s', (version) => {
  it('starts, stays up for whoever names it, and keeps what it stored when it is stopped, killed and restarted', async () => {
    const server = await setup({ version });
    const named = await obtainKafka({ env: { EVENTBUS_TEST_KAFKA: server.brokers.join(',') } });
    await named.release();
    const counts = [await store(server)];
    await server.restart();
    counts.push(await store(server));
    await server.kill();
    expect(await probeKafka('127.0.0.1', server.port)).toBeUndefined();
    await server.restart();
    counts.push(await store(server));

    expect(counts).toEqual([1, 2, 3]);
    expect(named).toMatchObject({ brokers: server.brokers, version: RELEASES[version] });
  });
});

describe('a Kafka of a test', () => {
  it('answers nothing while it is paused, goes on when resumed, and leaves no folder when removed', async () => {
    const server = await setup();
    server.pause();
    const paused = await probeKafka('127.0.0.1', server.port);
    server.resume();

    expect(paused).toBeUndefined();
    expect(await probeKafka('127.0.0.1', server.port)).toBe('4.1 or later');
    await server.remove();
    expect(existsSync(server.nodes[0]?.folder ?? '/')).toBe(false);
  });

  it('takes listeners, users and other properties of a test', async () => {
    const server = await setup({
      formatArgs: ['--add-scram', 'SCRAM-SHA-256=[name=alice,password=alice-secret]'],
      properties: ({ port, controllerPort }) => ({
        listeners: `CLIENTS://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
        'advertised.listeners': `CLIENTS://127.0.0.1:${port}`,
        'listener.security.protocol.map': 'CLIENTS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'CLIENTS',
        'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
        'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-256',
        'listener.name.clients.scram-sha-256.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="alice-secret";',
      }),
    });
    const topicsSeenBy = async (password: string): Promise<string[]> => {
      const sasl = { mechanism: 'scram-sha-256', username: 'alice', password } as const;
      const admin = new Kafka({
        brokers: [...server.brokers],
        sasl,
        logLevel: logLevel.NOTHING,
        retry: { retries: 0 },
      });
      const connected = admin.admin();
      try {
        await connected.connect();
        return await connected.listTopics();
      } finally {
        await connected.disconnect();
      }
    };

    await expect(topicsSeenBy('wrong')).rejects.toThrow(/authentication/i);
    expect(await topicsSeenBy('alice-secret')).toEqual([]);
  });

  it('is a cluster of three when asked for three nodes, of which one can be killed', async () => {
    const server = await setup({ nodes: 3, heap: '320m' });
    const all = server.nodes.map(({ port }) => port);
    expect(new Set(await nodesOf(server.brokers))).toEqual(new Set(all));
    await server.nodes[2]?.kill();

    expect(await probeKafka('127.0.0.1', Number(all[2]))).toBeUndefined();
    expect(await nodesOf(server.brokers.slice(0, 2))).toEqual(expect.arrayContaining(all.slice(0, 2)));
  });

  it('says what its log says when it cannot start', async () => {
    const attempt = startKafka({ properties: { 'num.io.threads': 'many' } });

    await expect(attempt).rejects.toThrow(/many for configuration num\.io\.threads/);
  });

  it('takes other ports when somebody else has taken the one it chose', async () => {
    const squatter = createServer();
    const taken = await listen(squatter);
    vi.mocked(ports.freePort).mockResolvedValueOnce(taken);
    const server = await setup();
    squatter.close();

    expect(server.port).not.toBe(taken);
  });

  it('brings the programs that come with Kafka', async () => {
    const { stdout } = await kafkaTools('kafka.tools.StorageTool', ['random-uuid']);

    expect(stdout.trim()).toMatch(/^[\w-]{22}$/);
  });
});
