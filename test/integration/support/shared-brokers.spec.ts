import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { kafkaBroker, natsServer } from '../../support/brokers.js';
import { unique } from '../../support/unique.js';

describe('the shared brokers', () => {
  it('give every caller the same JetStream server', async () => {
    const [one, other] = await Promise.all([natsServer(), natsServer()]);
    const connection = await connect({ servers: one.url });
    const stream = unique('shared');
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: stream, subjects: [stream] });
    await manager.streams.delete(stream);
    await connection.close();

    expect(other).toEqual(one);
    expect(connection.info?.version ?? one.version).toBe(one.version);
  });

  it('give every caller the same Kafka', async () => {
    const [one, other] = await Promise.all([kafkaBroker(), kafkaBroker()]);
    const admin = new Kafka({ brokers: [...one.brokers], logLevel: logLevel.NOTHING }).admin();
    const topic = unique('shared');
    await admin.connect();
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    const topics = await admin.listTopics();
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();

    expect(other).toEqual(one);
    expect(topics).toContain(topic);
  });
});
