import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NatsConnectionOptions } from '../../../lib/transports/nats/index.js';
import { type NatsServer, startNats } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { type Certificates, makeCertificates } from './support/certificates.js';
import { Harness, subscription } from './support/harness.js';
import { makeJwtAccounts } from './support/jwt.js';

const PASSWORD = 'planted-password-9f2b';
const WRONG = 'planted-wrong-secret-77aa';
const TOKEN = 'planted-token-55cc';

describe('authentication', () => {
  let folder: string;
  let certificates: Certificates;
  const servers: NatsServer[] = [];
  const open: Harness[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'eventbus-auth-'));
    certificates = makeCertificates(folder);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((bus) => bus.close()));
    await Promise.all(servers.splice(0).map((server) => server.remove()));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function serve(config: string): Promise<string> {
    const server = await startNats({ config });
    servers.push(server);
    return server.url;
  }

  const bus = (connection: NatsConnectionOptions): Harness => {
    const made = new Harness({ transport: { connection, streams: [{ name: 'AUTH', subjects: ['auth.>'] }] } });
    open.push(made);
    return made;
  };

  async function works(connection: NatsConnectionOptions): Promise<void> {
    const one = bus(connection);
    const subscriptions = [subscription('billing', ['auth.>'], { ordering: 'key' })];
    await one.transport.connect();
    await one.transport.prepare(subscriptions);
    await one.transport.consume(subscriptions);
    expect(await one.publish('auth.a', 'x')).toMatchObject({ how: 'confirmed' });
    await eventually(() => expect(one.deliveries.length).toBeGreaterThan(0));
    await one.close();
    expect(everythingOf(one)).not.toMatch(/planted|SU[A-Z0-9]{40}|PRIVATE KEY/);
  }

  async function isRefused(connection: NatsConnectionOptions, code = 'EVENT_BUS_AUTHENTICATION_FAILED'): Promise<void> {
    const one = bus(connection);
    const failure: unknown = await one.transport.connect().then(
      () => 'it connected',
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code, retryable: false });
    expect(one.transport.status).toMatchObject({ state: 'disconnected', error: { code } });
    expect(everythingOf(one) + inspect(failure, { depth: 10 })).not.toMatch(/planted|SU[A-Z0-9]{40}|PRIVATE KEY/);
  }

  it('takes user and password, in the options or in the URL', async () => {
    const url = await serve(`authorization { user: app, password: "${PASSWORD}" }`);
    await works({ servers: url, user: 'app', pass: PASSWORD });
    await works({ servers: `nats://app:${PASSWORD}@${url}` });
    await isRefused({ servers: url, user: 'app', pass: WRONG });
    await isRefused({ servers: `nats://app:${WRONG}@${url}` });
    await isRefused({ servers: url });
  });

  it('takes a token, in the options or in the URL', async () => {
    const url = await serve(`authorization { token: "${TOKEN}" }`);
    await works({ servers: url, token: TOKEN });
    await works({ servers: [`nats://${TOKEN}@${url}`] });
    await isRefused({ servers: url, token: WRONG });
  });

  it('takes an nkey', async () => {
    const user = nkeys.createUser();
    const url = await serve(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
    await works({ servers: url, nkeySeed: Buffer.from(user.getSeed()).toString() });
    await isRefused({ servers: url, nkeySeed: Buffer.from(nkeys.createUser().getSeed()).toString() });
    await isRefused({ servers: url, nkeySeed: WRONG });
  });

  it('takes creds, as text and as a file', async () => {
    const { config, creds } = makeJwtAccounts();
    const url = await serve(config);
    const credsFile = join(folder, 'app.creds');
    writeFileSync(credsFile, creds);
    await works({ servers: url, creds });
    await works({ servers: url, credsFile });
    await isRefused({ servers: url, creds: makeJwtAccounts().creds });
    await isRefused({ servers: url, creds: WRONG });
  });

  it('takes TLS, and trusts no certificate it was not told to', async () => {
    const { server, ca } = certificates;
    const url = await serve(`tls { cert_file: "${server.cert}", key_file: "${server.key}" }`);
    await works({ servers: url, tls: { caFile: ca } });
    await works({ servers: `tls://${url}`, tls: { ca: certificates.read(ca) } });
    await isRefused({ servers: url, tls: true }, 'EVENT_BUS_CONNECTION_FAILED');
    await isRefused({ servers: url }, 'EVENT_BUS_CONNECTION_FAILED');
  });

  it('says so when TLS is demanded of a server that has none', async () => {
    await isRefused({ servers: await serve(''), tls: true }, 'EVENT_BUS_CONNECTION_FAILED');
  });

  it('warns about certificates that are not looked at', async () => {
    const { server } = certificates;
    const url = await serve(`tls { cert_file: "${server.cert}", key_file: "${server.key}" }`);
    const one = bus({ servers: url, tls: { rejectUnauthorized: false } });
    await one.transport.connect();
    expect(one.logged('warn').join()).toContain('rejectUnauthorized');
  });

  it('shows a client certificate where the server asks for one', async () => {
    const { server, client, ca } = certificates;
    const url = await serve(
      `tls { cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca}", verify: true }`,
    );
    await works({ servers: url, tls: { caFile: ca, certFile: client.cert, keyFile: client.key } });
    const text = {
      ca: certificates.read(ca),
      cert: certificates.read(client.cert),
      key: certificates.read(client.key),
    };
    await works({ servers: url, tls: text });
    await isRefused({ servers: url, tls: { caFile: ca } });
  });

  it('names what is not permitted', async () => {
    const permissions = 'permissions: { publish: { allow: ["$JS.API.>", "$JS.ACK.>", "auth.allowed"] } }';
    const url = await serve(`authorization { users: [{ user: app, password: "${PASSWORD}", ${permissions} }] }`);
    const one = bus({ servers: url, user: 'app', pass: PASSWORD });
    await one.transport.connect();
    await one.transport.prepare([]);

    expect(await one.publish('auth.denied', 'x')).toMatchObject({
      how: 'rejected',
      error: { code: 'EVENT_BUS_AUTHORIZATION_FAILED' },
    });
    expect(await one.publish('auth.allowed', 'x')).toMatchObject({ how: 'confirmed' });
  });

  it('says at start when the JetStream API is not permitted', async () => {
    const permissions = 'permissions: { publish: { deny: ["$JS.API.>"] } }';
    const url = await serve(`authorization { users: [{ user: app, password: "${PASSWORD}", ${permissions} }] }`);
    const one = bus({ servers: url, user: 'app', pass: PASSWORD });
    await one.transport.connect();

    await expect(one.transport.prepare([])).rejects.toMatchObject({ code: 'EVENT_BUS_AUTHORIZATION_FAILED' });
  });

  it('goes on by itself when rotated credentials are there, and storms no server until then', async () => {
    const credsFile = join(folder, 'rotated.creds');
    const before = makeJwtAccounts();
    const after = makeJwtAccounts();
    const first = await startNats({ config: before.config });
    servers.push(first);
    writeFileSync(credsFile, before.creds);
    const one = bus({ servers: first.url, credsFile, maxReconnectDelayMs: 300 });
    await one.transport.connect();
    await first.remove();
    servers.push(await startNats({ config: after.config, port: first.port }));
    await eventually(() =>
      expect(one.transport.status.error).toMatchObject({ code: 'EVENT_BUS_AUTHENTICATION_FAILED' }),
    );
    const tries = one.statuses.length;
    await sleep(1_000);
    expect(one.statuses.length - tries).toBeLessThanOrEqual(10);

    writeFileSync(credsFile, after.creds);
    await eventually(() => expect(one.transport.status.state).toBe('connected'));
  });
});

/** Whatever the transport has logged, reported or can show. */
function everythingOf({ lines, statuses, transport, handles }: Harness): string {
  const { status } = transport;
  return inspect(
    { lines, statuses, status, details: transport.details(), handles: handles.list() },
    { depth: 12, showHidden: true },
  );
}
