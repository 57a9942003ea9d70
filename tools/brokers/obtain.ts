import { composeUp, dockerAnswers } from './docker.js';
import { probeKafka } from './kafka-probe.js';
import { startKafka } from './kafka-server.js';
import { natsInfo, startNats } from './nats-server.js';
import { freePort } from './ports.js';
import { say } from './progress.js';
import { BrokerUnavailableError } from './unavailable.js';
import { KAFKA_VERSION, NATS_VERSION } from './versions.js';

/** Where a NATS for everybody is. */
export interface NatsAddress {
  /** host:port */
  readonly url: string;
  readonly version: string;
}

/** Where a Kafka for everybody is. */
export interface KafkaAddress {
  /** host:port, plaintext. */
  readonly brokers: readonly string[];
  readonly version: string;
}

/** Which brokers are wanted. */
export interface ObtainOptions {
  /** Read for EVENTBUS_TEST_NATS, EVENTBUS_TEST_KAFKA and their _VERSION. @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** `load` for benchmarks: more heap, every compiler. @default 'test' */
  readonly tuning?: 'test' | 'load';
}

/** An address, and how to give the broker back: one that was named stays up. */
export type Obtained<Address> = Address & { release(): Promise<void> };

const stayUp = (): Promise<void> => Promise.resolve();

/**
 * A JetStream server for everybody: the one EVENTBUS_TEST_NATS names, else docker-compose.yml's, else a local process.
 * @throws BrokerUnavailableError that says what to install
 */
export async function obtainNats(options: ObtainOptions = {}): Promise<Obtained<NatsAddress>> {
  const { env = process.env } = options;
  const named = env['EVENTBUS_TEST_NATS'];
  if (named) return namedNats(named);

  const version = env['EVENTBUS_TEST_NATS_VERSION'] || NATS_VERSION;
  if (version === NATS_VERSION && (await dockerAnswers())) {
    const port = await freePort();
    say(`starting NATS ${version} with docker compose …`);
    return { url: `127.0.0.1:${port}`, version, release: await composeUp('nats', port) };
  }
  const server = await startNats({ version });
  return { url: server.url, version, release: () => server.remove() };
}

/**
 * A Kafka for everybody: the one EVENTBUS_TEST_KAFKA names, else docker-compose.yml's, else a local process.
 * @throws BrokerUnavailableError that says what to install
 */
export async function obtainKafka(options: ObtainOptions = {}): Promise<Obtained<KafkaAddress>> {
  const { env = process.env, tuning = 'test' } = options;
  const named = env['EVENTBUS_TEST_KAFKA'];
  if (named) return namedKafka(named, env['EVENTBUS_TEST_KAFKA_VERSION']);

  const version = env['EVENTBUS_TEST_KAFKA_VERSION'] || KAFKA_VERSION;
  if (version === KAFKA_VERSION && (await dockerAnswers())) {
    const port = await freePort();
    say(`starting Kafka ${version} with docker compose …`);
    return { brokers: [`127.0.0.1:${port}`], version, release: await composeUp('kafka', port) };
  }
  const server = await startKafka({ version, tuning, heap: tuning === 'load' ? '1g' : '512m' });
  return { brokers: server.brokers, version, release: () => server.remove() };
}

async function namedNats(named: string): Promise<Obtained<NatsAddress>> {
  const url = named.replace(/^nats:\/\//, '');
  const { host, port } = hostAndPort(url, 4222);
  const info = await natsInfo(host, port);
  if (info === undefined) throw noAnswer('EVENTBUS_TEST_NATS', named);
  return { url, version: info.version, release: stayUp };
}

async function namedKafka(named: string, version?: string): Promise<Obtained<KafkaAddress>> {
  const brokers = named.split(',').map((broker) => broker.trim());
  const { host, port } = hostAndPort(brokers[0] ?? '', 9092);
  const release = await probeKafka(host, port);
  if (release === undefined) throw noAnswer('EVENTBUS_TEST_KAFKA', named);
  return { brokers, version: version || release, release: stayUp };
}

function hostAndPort(address: string, defaultPort: number): { host: string; port: number } {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname, port: port === '' ? defaultPort : Number(port) };
}

function noAnswer(variable: string, value: string): BrokerUnavailableError {
  return new BrokerUnavailableError(
    `${variable} names ${value}, and no such broker answers there. Start it, correct ${variable}, or unset it to have one started.`,
  );
}
