import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type BrokerControls, BrokerProcess, freshFolder, lostPort } from './broker-process.js';
import { natsBinary } from './nats-binary.js';
import { freePort } from './ports.js';
import { NATS_VERSION } from './versions.js';

/** What `startNats` is to start. */
export interface NatsServerOptions {
  /** @default NATS_VERSION */
  readonly version?: string;
  /** Text for its configuration file: accounts, TLS, limits. Address, port and store folder are set all the same. */
  readonly config?: string;
  /** @default a free one */
  readonly port?: number;
  /** Where JetStream stores; never deleted when given. @default a fresh one, deleted with the server */
  readonly dataDir?: string;
  /** Further command line arguments. @default [] */
  readonly args?: readonly string[];
}

/** A nats-server of one's own, with JetStream. */
export interface NatsServer extends BrokerControls {
  /** host:port */
  readonly url: string;
  readonly version: string;
  readonly port: number;
  readonly pid: number;
  /** Its folder: nats.conf, logs, and the store unless `dataDir` was given. */
  readonly folder: string;
  /** What the last launch has printed. */
  log(): Promise<string>;
}

/** What a nats-server says of itself to whoever connects. */
export interface NatsInfo {
  readonly version: string;
  readonly server_name: string;
}

const PORT_TRIES = 5;

/**
 * Starts a nats-server with JetStream on 127.0.0.1; resolves when it answers.
 * @throws BrokerUnavailableError, BrokerStartError
 */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const { version = NATS_VERSION } = options;
  const binary = await natsBinary(version);

  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await freePort());
    const folder = await freshFolder('nats');
    const broker = await processOf(binary, { ...options, version, port, folder });
    try {
      await broker.start();
      return Object.assign(broker, { url: `127.0.0.1:${port}`, version, port, folder });
    } catch (error) {
      await broker.remove();
      if (options.port !== undefined || tries >= PORT_TRIES || !lostPort(error)) throw error;
    }
  }
}

type Chosen = NatsServerOptions & { readonly version: string; readonly port: number; readonly folder: string };

async function processOf(binary: string, options: Chosen): Promise<BrokerProcess> {
  const { version, port, folder, config = '', dataDir = join(folder, 'store'), args = [] } = options;
  const configFile = join(folder, 'nats.conf');
  await writeFile(configFile, config);

  const name = `eventbus-${randomUUID()}`;
  const address = ['-a', '127.0.0.1', '-p', String(port), '-n', name];
  return new BrokerProcess(folder, {
    name: `nats-server ${version} on port ${port}`,
    command: binary,
    args: ['-c', configFile, ...address, '-js', '-sd', dataDir, ...args],
    isReady: async () => (await natsInfo('127.0.0.1', port))?.server_name === name,
    startTimeoutMs: 30_000,
  });
}

/** The server's greeting, or `undefined` when nothing that speaks NATS answers there within a second. */
export function natsInfo(host: string, port: number): Promise<NatsInfo | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let text = '';
    const end = (info?: NatsInfo): void => {
      socket.destroy();
      resolve(info);
    };
    socket.setTimeout(1_000, () => end());
    socket.on('error', () => end());
    socket.on('close', () => end());
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\r\n')) end(parseInfo(text));
    });
  });
}

function parseInfo(text: string): NatsInfo | undefined {
  const line = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1];
  if (line === undefined) return undefined;
  const info: NatsInfo = JSON.parse(line);
  return info;
}
