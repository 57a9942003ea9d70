import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { natsInfo } from '../../../tools/brokers/nats-server.js';
import { obtainNats } from '../../../tools/brokers/obtain.js';
import * as ports from '../../../tools/brokers/ports.js';
import { type NatsServer, type NatsServerOptions, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { listen } from '../../support/listen.js';

vi.mock('../../../tools/brokers/ports.js', { spy: true });

const started: NatsServer[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.remove()));
});

async function setup(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNats(options);
  started.push(server);
  return server;
}

/** Stores one message in a stream of its own, and says how many the stream has. */
async function store(server: NatsServer): Promise<number> {
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
  await jetstream(connection).publish('kept', 'message');
  const { state } = await manager.streams.info('KEPT');
  await connection.close();
  return state.messages;
}

const answers = async (server: NatsServer): Promise<boolean> =>
  (await natsInfo('127.0.0.1', server.port)) !== undefined;

describe.each(SUPPORTED_NATS_VERSIONS)('a nats-server of version %s', (version) => {
  it('starts with JetStream, and keeps what it stored when it is stopped, killed and restarted', async () => {
    const server = await setup({ version });
    const counts = [await store(server)];
    await server.restart();
    counts.push(await store(server));
    await server.kill();
    expect(await answers(server)).toBe(false);
    await server.restart();
    counts.push(await store(server));

    expect((await natsInfo('127.0.0.1', server.port))?.version).toBe(version);
    expect(counts).toEqual([1, 2, 3]);
  });
});

describe('a nats-server of a test', () => {
  it('answers nothing while it is paused, and goes on when it is resumed', async () => {
    const server = await setup();
    server.pause();
    const paused = await answers(server);
    server.resume();

    expect(paused).toBe(false);
    expect(await answers(server)).toBe(true);
  });

  it('can be stopped while it is paused', async () => {
    const server = await setup();
    server.pause();
    await server.stop();

    expect(() => server.pid).toThrow('is not running');
  });

  it('takes the configuration it is given', async () => {
    const server = await setup({ config: 'authorization { token: "secret" }' });

    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(/authorization/i);
    await (await connect({ servers: server.url, token: 'secret' })).close();
  });

  it('leaves no folder when it is removed, but the data of whoever gave the folder', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'eventbus-own-'));
    const server = await setup({ dataDir });
    await store(server);
    await server.remove();

    expect(existsSync(server.folder)).toBe(false);
    expect(await readdir(dataDir)).toContain('jetstream');
    await rm(dataDir, { recursive: true });
  });

  it('says what its log says when it cannot start', async () => {
    await expect(startNats({ config: 'nonsense {' })).rejects.toThrow(
      /ended while it was starting.*Parse error on line 1/s,
    );
  });

  it('takes another port when somebody else has taken the one it chose', async () => {
    const squatter = createServer();
    const taken = await listen(squatter);
    vi.mocked(ports.freePort).mockResolvedValueOnce(taken);
    const server = await setup();

    expect(server.port).not.toBe(taken);
    await expect(startNats({ port: taken })).rejects.toThrow(/address already in use/);
    squatter.close();
  });

  it('is used as it is when EVENTBUS_TEST_NATS names it, and is not stopped', async () => {
    const server = await setup();
    const obtained = await obtainNats({ env: { EVENTBUS_TEST_NATS: server.url } });
    await obtained.release();

    expect(obtained).toMatchObject({ url: server.url, version: server.version });
    expect(await answers(server)).toBe(true);
  });

  it('goes with its folder when the process that started it is killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eventbus-parent-'));
    const script = join(folder, 'parent.mts');
    const entry = new URL('../../../tools/brokers/index.ts', import.meta.url).href;
    await writeFile(
      script,
      `import { startNats } from '${entry}';
       const { port, folder } = await startNats();
       console.log(JSON.stringify({ port, folder }));
       setInterval(() => undefined, 1_000);`,
    );
    const parent = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await new Promise<[string]>((resolve) =>
      createInterface(parent.stdout).once('line', (text) => resolve([text])),
    );
    const orphan: { readonly port: number; readonly folder: string } = JSON.parse(line);
    const before = await natsInfo('127.0.0.1', orphan.port);
    parent.kill('SIGKILL');

    expect(before).toBeDefined();
    await eventually(async () => expect(await natsInfo('127.0.0.1', orphan.port)).toBeUndefined());
    await eventually(() => expect(existsSync(orphan.folder)).toBe(false));
    await rm(folder, { recursive: true });
  });
});
