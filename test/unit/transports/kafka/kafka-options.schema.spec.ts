import { describe, expect, it } from 'vitest';
import { kafkaOptionFaults, resolveKafkaOptions } from '../../../../lib/transports/kafka/kafka-options.schema.js';
import { kafkaTransport, type KafkaTransportOptions } from '../../../../lib/transports/kafka/index.js';

const connection = { brokers: 'localhost:9092' };

/** Options as a JavaScript user could give them. */
function faultsOf(options: Record<string, unknown>): readonly string[] {
  return Reflect.apply(kafkaOptionFaults, undefined, [options]) as readonly string[];
}

describe('Options of the Kafka transport', () => {
  it('need nothing but the brokers', () => {
    expect(kafkaTransport({ connection }).validate()).toEqual([]);
    expect(resolveKafkaOptions({ connection })).toMatchObject({
      connection: { brokers: ['localhost:9092'], clientId: 'nestjs-eventbus', ssl: false },
      policy: 'create',
      maxBytesPerPartition: 131_072,
      maxWaitTimeMs: 100,
      maxUncommitted: 100_000,
      commitIntervalMs: 100,
    });
  });

  it('name each fault with its path, what it must be and what it was', () => {
    const faults = faultsOf({
      connection: { brokers: ['nowhere'] },
      policy: 'delete',
      maxUncommitted: 0,
      topics: [{ name: 'a..b', partitions: 1.5 }],
      surprise: 1,
    });

    expect(faults).toEqual([
      expect.stringMatching(/^kafka\.connection\.brokers.* must be host:port/),
      expect.stringMatching(/^kafka\.topics\.0\.name must be a topic.*, got 'a\.\.b'$/),
      expect.stringMatching(/^kafka\.topics\.0\.partitions must be a whole number.*, got 1\.5$/),
      expect.stringMatching(/^kafka\.policy must be one of .*, got 'delete'$/),
      'kafka.maxUncommitted must be a whole number from 1 to 10000000, got 0',
      'kafka.surprise must not be there: no such option',
    ]);
  });

  it('refuse to send a password without TLS unless it is permitted', () => {
    const sasl = { mechanism: 'plain', username: 'me', password: 'topsecret' } as const;

    expect(kafkaOptionFaults({ connection: { ...connection, sasl } })).toEqual([
      expect.stringContaining('kafka.connection.sasl'),
    ]);
    expect(kafkaOptionFaults({ connection: { ...connection, sasl, ssl: true } })).toEqual([]);
    const asked = { mechanism: 'plain', credentials: () => ({ username: 'me', password: 'topsecret' }) } as const;
    expect(kafkaOptionFaults({ connection: { ...connection, sasl: asked, ssl: true } })).toEqual([]);
    expect(kafkaOptionFaults({ connection: { ...connection, sasl: asked } })).toHaveLength(1);
    expect(kafkaOptionFaults({ connection: { ...connection, sasl, allowInsecureAuth: true } })).toEqual([]);
    expect(kafkaOptionFaults({ connection: { ...connection, sasl: { ...sasl, mechanism: 'scram-sha-512' } } })).toEqual(
      [],
    );
  });

  it('never show a secret in a fault', () => {
    const faults = faultsOf({
      connection: { ...connection, sasl: { mechanism: 'md5', username: 'me', password: 'topsecret' } },
    });

    expect(faults).toHaveLength(1);
    expect(faults.join()).not.toContain('topsecret');
  });

  it('keep heartbeats well within the session, and topics apart', () => {
    const options: KafkaTransportOptions = {
      connection,
      sessionTimeoutMs: 6_000,
      heartbeatIntervalMs: 2_500,
      topics: [{ name: 'orders' }, { name: 'orders' }],
    };

    expect(kafkaOptionFaults(options)).toEqual([
      'kafka.heartbeatIntervalMs must be at most a third of sessionTimeoutMs (6000), got 2500',
      'kafka.topics must name each topic once, got "orders" twice',
    ]);
  });

  it('do not lose a default to an option given as undefined', () => {
    const options: KafkaTransportOptions = { connection };
    Reflect.set(options, 'policy', undefined);
    expect(resolveKafkaOptions(options).policy).toBe('create');
  });
});
