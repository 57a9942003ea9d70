import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaSasl, kafkaTransport } from 'nestjs-eventbus/kafka';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { SCRAM_USER, type SecureBroker, startSecureBroker } from '../../integration/kafka/secure-broker.js';
import { KAFKA } from './support/environment.js';
import { LosingProxy } from './support/losing-proxy.js';
import { expectUnstored, PATIENCE, Scene, STORM } from './support/secret-scene.js';

/** kafkajs authenticates again 10 s before a session ends: a second after it has begun. */
const SESSION_MS = 11_000;

describe(`F17: credentials, on ${KAFKA.name}`, () => {
  let broker: SecureBroker;
  let scene: Scene;
  beforeAll(async () => {
    broker = await startSecureBroker({ properties: { 'connections.max.reauth.ms': SESSION_MS } });
  });
  beforeEach(() => void (scene = new Scene()));
  afterEach(() => scene.close());
  afterAll(() => broker.remove());

  it('storms no broker that refuses credentials that were rotated, and goes on when a function gives the new ones', async () => {
    let password = SCRAM_USER.password;
    let asked = 0;
    const credentials = () => {
      asked += 1;
      return { username: SCRAM_USER.username, password };
    };
    const connection = {
      brokers: broker.kafka.brokers,
      ssl: { ca: broker.ca },
      sasl: { mechanism: 'scram-sha-512', credentials },
    } as const;
    const app = await scene.start(kafkaTransport({ connection }));
    for (const { outcome } of await scene.publish()) expect(outcome).toBe('confirmed');

    password = 'rotated-away';
    await eventually(
      () =>
        expect(app.snapshot().transport.status).toMatchObject({
          state: 'disconnected',
          error: { code: 'EVENT_BUS_AUTHENTICATION_FAILED' },
        }),
      PATIENCE,
    );
    const before = asked;
    expectUnstored(await scene.publish());
    await sleep(STORM.ms);
    expect(asked - before, 'questions for credentials').toBeLessThanOrEqual(2 * STORM.attempts);
    expect(asked, 'questions for credentials').toBeGreaterThan(before);
    password = SCRAM_USER.password;

    await scene.recovers();
  }, 90_000);
});

const SASL = { mechanism: 'scram-sha-512', ...SCRAM_USER } as const;

describe(`F17: a certificate that expires, and wrong credentials, on ${KAFKA.name}`, () => {
  let broker: SecureBroker;
  let proxy: LosingProxy;
  let scene: Scene;
  beforeAll(async () => {
    const told = await freePort();
    broker = await startSecureBroker({ properties: { 'advertised.listeners': `SASL_SSL://127.0.0.1:${told}` } });
    proxy = await LosingProxy.to(broker.kafka.port, told);
  });
  beforeEach(() => void (scene = new Scene()));
  afterEach(() => scene.close());
  afterAll(async () => {
    await proxy.close();
    await broker.remove();
  });

  const transport = (sasl: KafkaSasl) =>
    kafkaTransport({ connection: { brokers: proxy.address, ssl: { ca: broker.ca }, sasl } });

  it('says wrong credentials with a typed error, after one connection', async () => {
    const before = proxy.opened;
    const refused = scene.start(transport({ ...SASL, password: 'wrong' }), 'require');
    await expect(refused).rejects.toMatchObject({ code: 'EVENT_BUS_AUTHENTICATION_FAILED' });
    expect(proxy.opened - before).toBe(1);
  });

  it('says an expired certificate with a typed error, storms no broker, and goes on when it is renewed', async () => {
    const app = await scene.start(transport(SASL));
    for (const { outcome } of await scene.publish()) expect(outcome).toBe('confirmed');

    await broker.certify('expired');
    await eventually(
      () =>
        expect(app.snapshot().transport.status).toMatchObject({
          state: 'disconnected',
          error: { code: 'EVENT_BUS_CONNECTION_FAILED' },
        }),
      PATIENCE,
    );
    const before = proxy.opened;
    expectUnstored(await scene.publish());
    await sleep(STORM.ms);
    expect(proxy.opened - before, 'attempts').toBeLessThanOrEqual(STORM.attempts);
    expect(proxy.opened, 'attempts').toBeGreaterThan(before);
    await broker.certify('good');

    await scene.recovers();
  }, 120_000);
});
