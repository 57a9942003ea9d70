import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { usernamePasswordAuthenticator } from '@nats-io/transport-node';
import { type NatsConnectionOptions, natsTransport } from 'nestjs-eventbus/nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NatsServer, startNats } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { NATS } from './support/environment.js';
import { LosingProxy } from './support/losing-proxy.js';
import { putCertificate } from './support/nats-certificates.js';
import { expectUnstored, Scene, STORM } from './support/secret-scene.js';

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
