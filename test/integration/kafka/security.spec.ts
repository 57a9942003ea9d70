import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaConnectionOptions } from '../../../lib/transports/kafka/index.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { TestBus } from './harness.js';
import { PLAIN_USER, SCRAM_USER, type SecureBroker, startSecureBroker, unsecuredToken } from './secure-broker.js';

/** kafkajs says it twice. */
const LINES_OF_ONE_TRY = 2;
const SECRETS = [SCRAM_USER.password, PLAIN_USER.password, 'planted-wrong-secret'];

describe('A Kafka that requires TLS and a login', () => {
  let broker: SecureBroker;
  const open: TestBus[] = [];

  beforeAll(async () => {
    broker = await startSecureBroker();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.stop()));
  });
  afterAll(() => broker.remove());

  function bus(connection: Partial<KafkaConnectionOptions>): TestBus {
    const { brokers } = broker.kafka;
    const one = new TestBus({ transport: { connection: { brokers, ssl: { ca: broker.ca }, ...connection } } });
    open.push(one);
    return one;
  }

  /** Everything the transport has said so far. */
  const said = (one: TestBus, ...more: unknown[]): string =>
    inspect([one.log, one.statuses, one.transport.details(), more], { depth: 12 });

  it.each([
    ['SCRAM-SHA-512', { mechanism: 'scram-sha-512', ...SCRAM_USER } as const],
    ['SCRAM-SHA-256', { mechanism: 'scram-sha-256', ...SCRAM_USER } as const],
    ['PLAIN', { mechanism: 'plain', ...PLAIN_USER } as const],
    ['OAUTHBEARER', { mechanism: 'oauthbearer', token: async () => unsecuredToken('carol') } as const],
  ])('lets us in by %s, to publish and to consume', async (_, sasl) => {
    const topic = unique('orders');
    const one = await bus({ sasl }).start({ group: unique('g'), patterns: [topic] });
    expect((await one.publish(topic, 'hello')).how).toBe('confirmed');
    await eventually(() => expect(one.bodies).toEqual(['hello']));
    for (const secret of SECRETS) expect(said(one)).not.toContain(secret);
  });

  it.each([
    ['a wrong password', { mechanism: 'scram-sha-512', username: 'alice', password: 'planted-wrong-secret' } as const],
    ['an unknown user', { mechanism: 'plain', username: 'mallory', password: 'planted-wrong-secret' } as const],
  ])('refuses %s with a typed error, is not asked again and again, and no secret shows', async (_, sasl) => {
    const one = bus({ sasl });
    const failure: unknown = await one.transport.connect().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'EVENT_BUS_AUTHENTICATION_FAILED', name: 'AuthenticationError' });
    expect(one.transport.status).toMatchObject({
      state: 'disconnected',
      error: { code: 'EVENT_BUS_AUTHENTICATION_FAILED' },
    });

    await sleep(1_000);
    expect(one.log.filter(({ message }) => /authentication failed/i.test(message))).toHaveLength(LINES_OF_ONE_TRY);
    expect((await one.publish('orders', 'x')).how).toBe('unsent');
    for (const secret of SECRETS) expect(said(one, failure)).not.toContain(secret);
  });

  it('is refused by us when its certificate is not vouched for', async () => {
    const one = bus({ ssl: { ca: broker.foreignCa }, sasl: { mechanism: 'scram-sha-512', ...SCRAM_USER } });
    await expect(one.transport.connect()).rejects.toMatchObject({ code: 'EVENT_BUS_CONNECTION_FAILED' });
  });

  it('never gets a password without TLS unless that is permitted', () => {
    const sasl = { mechanism: 'plain', ...PLAIN_USER } as const;
    expect(() => bus({ ssl: false, sasl })).toThrow('allowInsecureAuth');
  });
});
