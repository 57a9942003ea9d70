import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endSilentConnections } from '../../../lib/transports/kafka/driver/silent-connections.js';
import { type ProxiedKafka, startKafkaBehindProxies } from '../../../tools/faults/index.js';
import { eventually } from '../../support/eventually.js';

describe('A connection of kafkajs that has died without a word', () => {
  let proxied: ProxiedKafka;
  let admin: Admin;

  beforeAll(async () => {
    proxied = await startKafkaBehindProxies();
  });
  afterEach(() => admin.disconnect());
  afterAll(() => proxied.remove());

  async function connected(prepare: (kafka: Kafka) => void): Promise<void> {
    const kafka = new Kafka({
      brokers: [...proxied.brokers],
      requestTimeout: 500,
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    });
    prepare(kafka);
    admin = kafka.admin();
    await admin.connect();
    await admin.describeCluster();
    proxied.proxies.forEach((proxy) => proxy.blackHole('existing'));
    await expect(admin.describeCluster()).rejects.toThrow('timed out');
  }

  it('is kept by kafkajs, so that every further try times out on it', async () => {
    await connected(() => undefined);
    await expect(admin.describeCluster()).rejects.toThrow('timed out');
  });

  it('is ended by us at the first request that times out, so that the next try succeeds', async () => {
    await connected((kafka) => expect(endSilentConnections(kafka)).toBe(true));
    const cluster = await eventually(() => admin.describeCluster(), { timeoutMs: 400 });
    expect(cluster.brokers).toHaveLength(1);
  });
});
