import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { usernamePasswordAuthenticator } from '@nats-io/transport-node';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { type NatsConnectionOptions, natsTransport } from 'nestjs-eventbus/nats';
import type { PublishResult, TransportFactory } from 'nestjs-eventbus';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ContractApp } from '../../../lib/testing/contract/contract-app.js';
import { EventRecorder } from '../../../lib/testing/event-recorder.js';
import { numbered } from '../../../lib/testing/contract/tools.js';
import { type NatsServer, startNats } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { SCRAM_USER, type SecureBroker, startSecureBroker } from '../../integration/kafka/secure-broker.js';
import { KAFKA, NATS } from './support/environment.js';
import { LosingProxy } from './support/losing-proxy.js';
import { putCertificate } from './support/nats-certificates.js';

const EVENTS = 10;
/** How long refusals are counted, and the most there may be meanwhile. */
const STORM = { ms: 3_000, attempts: 25 };
const PATIENCE = { timeoutMs: 20_000 };

/** An application that publishes to itself, with its record. */
class Scene {
  readonly recorder = new EventRecorder();
  readonly topic = unique('secret');
  #app: ContractApp | undefined;
  #next = 1;

  async start(transport: TransportFactory, startup: 'background' | 'require' = 'background'): Promise<ContractApp> {
    const { topic, recorder } = this;
    const handle = (data: unknown): Promise<void> => {
      const { key, n } = numbered(data);
      return recorder.run({ topic, key, sequence: n }, () => undefined);
    };
    const options = { startup, group: unique('g'), pools: { ack: { timeoutMs: 1_000 } } };
    return (this.#app = await ContractApp.start(transport, { ...options, handlers: [{ on: topic, handle }] }));
  }

  async publish(count = EVENTS): Promise<PublishResult[]> {
    const requests = Array.from({ length: count }, () => ({ key: 'k', n: this.#next++ }));
    const results = await this.#app?.bus.publishMany(
      requests.map((data) => ({ topic: this.topic, data, options: { key: 'k' } })),
    );
    for (const [index, result] of (results ?? []).entries()) {
      this.recorder.published({ topic: this.topic, key: 'k', sequence: requests[index]?.n ?? 0 }, result);
    }
    return [...(results ?? [])];
  }

  /** Publishes until that works, and then everything that was confirmed has been handled, in order. */
  async recovers(): Promise<void> {
    await eventually(async () => expect(await this.publish(1)).toMatchObject([{ outcome: 'confirmed' }]), PATIENCE);
    for (const { outcome } of await this.publish()) expect(outcome).toBe('confirmed');
    await eventually(() => expect(this.recorder.verdict().lost).toEqual([]), PATIENCE);
    expect(this.recorder.verdict()).toMatchObject({ orderViolations: [] });
  }

  close(): Promise<void> | undefined {
    return this.#app?.close();
  }
}

function expectUnstored(results: readonly PublishResult[]): void {
  for (const one of results) {
    expect(one).toMatchObject({ outcome: 'rejected', error: { code: expect.stringMatching(/^EVENT_BUS_/) as string } });
  }
}

describe(`F17: credentials and certificates, on ${NATS.name}`, () => {
  let folder: string;
  let server: NatsServer;
  let proxy: LosingProxy;
  let scene: Scene;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'eventbus-secret-'));
    scene = new Scene();
  });
  afterEach(async () => {
    await scene.close();
    await proxy.close();
    await server.remove();
    rmSync(folder, { recursive: true });
  });

  async function serve(config: string): Promise<void> {
    server = await startNats({ config });
    proxy = await LosingProxy.to(server.port);
  }

  async function serveAgain(config: string): Promise<void> {
    writeFileSync(join(server.folder, 'nats.conf'), config);
    await server.restart();
  }

  const users = (pass: string): string => `authorization { user: app, password: "${pass}" }`;
  const transport = (connection: NatsConnectionOptions) =>
    natsTransport({
      connection: { servers: proxy.address, maxReconnectDelayMs: 500, ...connection },
      streams: [{ name: scene.topic, subjects: [scene.topic] }],
    });

  it('says wrong credentials with a typed error, after one connection', async () => {
    await serve(users('right'));
    const refused = scene.start(transport({ user: 'app', pass: 'wrong' }), 'require');
    await expect(refused).rejects.toMatchObject({ code: 'EVENT_BUS_AUTHENTICATION_FAILED' });
    expect(proxy.opened).toBe(1);
  });

  it('storms no server that refuses credentials that were rotated, and goes on when a function gives the new ones', async () => {
    await serve(users('old'));
    let pass = 'old';
    const authenticator = usernamePasswordAuthenticator(
      () => 'app',
      () => pass,
    );
    const app = await scene.start(transport({ authenticator }));
    for (const { outcome } of await scene.publish()) expect(outcome).toBe('confirmed');

    await serveAgain(users('new'));
    await eventually(() =>
      expect(app.snapshot().transport.status).toMatchObject({
        state: 'disconnected',
        error: { code: 'EVENT_BUS_AUTHENTICATION_FAILED' },
      }),
    );
    const before = proxy.opened;
    expectUnstored(await scene.publish());
    await sleep(STORM.ms);
    expect(proxy.opened - before, 'attempts').toBeLessThanOrEqual(STORM.attempts);
    expect(proxy.opened, 'attempts').toBeGreaterThan(before);
    pass = 'new';

    await scene.recovers();
  }, 60_000);

  it('says an expired certificate with a typed error, storms no server, and goes on when it is renewed', async () => {
    const { cert, key } = putCertificate(folder, 'good');
    const config = `tls { cert_file: "${cert}", key_file: "${key}" }`;
    await serve(config);
    const app = await scene.start(transport({ tls: { caFile: cert } }));
    for (const { outcome } of await scene.publish()) expect(outcome).toBe('confirmed');

    putCertificate(folder, 'expired');
    await serveAgain(config);
    await eventually(() => {
      expect(app.snapshot().transport.status).toMatchObject({
        state: 'disconnected',
        error: { code: 'EVENT_BUS_CONNECTION_FAILED' },
      });
    });
    const before = proxy.opened;
    expectUnstored(await scene.publish());
    await sleep(STORM.ms);
    expect(proxy.opened - before, 'attempts').toBeLessThanOrEqual(STORM.attempts);
    expect(proxy.opened, 'attempts').toBeGreaterThan(before);
    putCertificate(folder, 'good');
    await serveAgain(config);

    await scene.recovers();
  }, 60_000);
});

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
