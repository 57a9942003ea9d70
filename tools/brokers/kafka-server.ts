import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrokerControls, BrokerProcess, freshFolder, lostPort } from './broker-process.js';
import { defaultProperties, type KafkaNodeFacts, type KafkaProperties, propertiesText } from './kafka-config.js';
import { javaPath, kafkaJars } from './kafka-jars.js';
import { kafkaTools } from './kafka-tools.js';
import { freePort } from './ports.js';
import { KAFKA_VERSION } from './versions.js';

/** What `startKafka` is to start. */
export interface KafkaServerOptions {
  /** @default KAFKA_VERSION */
  readonly version?: string;
  /** Laid over the defaults of kafka-config.ts; a function gets the node's ports, for listeners of one's own. */
  readonly properties?: KafkaProperties | ((node: KafkaNodeFacts) => KafkaProperties);
  /** Further arguments of `StorageTool format`, such as `['--add-scram', 'SCRAM-SHA-512=[name=…,password=…]']`. @default [] */
  readonly formatArgs?: readonly string[];
  /** The first node's. @default a free one */
  readonly port?: number;
  /** As `-Xmx` takes it. @default '512m' */
  readonly heap?: string;
  /** `test` starts fast (first compiler only), `load` runs fast. @default 'test' */
  readonly tuning?: 'test' | 'load';
  /** Nodes, each broker and controller. @default 1 */
  readonly nodes?: number;
  /** Where the only node stores; never deleted when given. @default a fresh one, deleted with the node */
  readonly dataDir?: string;
}

/** One Kafka process. */
export interface KafkaNode extends BrokerControls, KafkaNodeFacts {
  readonly pid: number;
  /** What the last launch has printed. */
  log(): Promise<string>;
}

/** A Kafka of one's own; its controls act on every node. */
export interface KafkaServer extends BrokerControls {
  /** host:port of every node's first listener. */
  readonly brokers: readonly string[];
  readonly version: string;
  /** The first node's. */
  readonly port: number;
  /** The first node's. */
  readonly pid: number;
  readonly nodes: readonly KafkaNode[];
}

const PORT_TRIES = 5;
const CLUSTER_ID = 'ZXZlbnRidXMtdGVzdHMtMQ';
const STARTED = 'Kafka Server started';

/**
 * Starts Kafka in KRaft mode on 127.0.0.1; resolves when every node takes clients.
 * @throws BrokerUnavailableError, BrokerStartError
 */
export async function startKafka(options: KafkaServerOptions = {}): Promise<KafkaServer> {
  for (let tries = 1; ; tries += 1) {
    const server = await prepare(options);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.remove();
      if (options.port !== undefined || tries >= PORT_TRIES || !lostPort(error)) throw error;
    }
  }
}

async function prepare(options: KafkaServerOptions): Promise<KafkaServer> {
  const { version = KAFKA_VERSION } = options;
  const jars = await kafkaJars(version);
  const facts = await chooseNodes(options);
  const processes = await Promise.all(facts.map((node) => launchOf(node, facts, { ...options, version, jars })));
  return kafkaHandle(version, facts, processes);
}

async function chooseNodes({ nodes = 1, port, dataDir }: KafkaServerOptions): Promise<KafkaNodeFacts[]> {
  const facts: KafkaNodeFacts[] = [];
  for (let id = 1; id <= nodes; id += 1) {
    const folder = await freshFolder('kafka');
    facts.push({
      id,
      port: id === 1 && port !== undefined ? port : await freePort(),
      controllerPort: await freePort(),
      folder,
      dataDir: nodes === 1 && dataDir !== undefined ? dataDir : join(folder, 'data'),
    });
  }
  return facts;
}

type Prepared = KafkaServerOptions & { readonly version: string; readonly jars: string };

async function launchOf(
  node: KafkaNodeFacts,
  all: readonly KafkaNodeFacts[],
  options: Prepared,
): Promise<BrokerProcess> {
  const { properties = {}, formatArgs = [], version, jars } = options;
  const own = typeof properties === 'function' ? properties(node) : properties;
  const file = join(node.folder, 'server.properties');
  await writeFile(file, propertiesText(defaultProperties(node, all), own));

  const launch = new BrokerProcess(node.folder, {
    name: `Kafka ${version} on port ${node.port}`,
    command: await javaPath(),
    args: [...javaFlags(options), '-cp', join(jars, '*'), 'kafka.Kafka', file],
    isReady: (log) => log.includes(STARTED),
    startTimeoutMs: 120_000,
  });
  const format = ['format', '--ignore-formatted', '-t', CLUSTER_ID, '-c', file, ...formatArgs];
  await kafkaTools('kafka.tools.StorageTool', format, version);
  return launch;
}

function javaFlags({ heap = '512m', tuning = 'test' }: KafkaServerOptions): string[] {
  const quick = tuning === 'test' ? ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] : ['-XX:+UseG1GC'];
  return [`-Xmx${heap}`, ...quick, '-Xshare:auto', '-Dorg.slf4j.simpleLogger.showDateTime=true'];
}

function kafkaHandle(
  version: string,
  facts: readonly KafkaNodeFacts[],
  processes: readonly BrokerProcess[],
): KafkaServer {
  const nodes = processes.map((process_, index) => nodeHandle(process_, facts[index] as KafkaNodeFacts));
  const first = nodes[0] as KafkaNode;
  const each = async (act: (process_: BrokerProcess) => Promise<void>): Promise<void> => {
    await Promise.all(processes.map(act));
  };
  const stop = (): Promise<void> => each((one) => one.stop());

  return {
    version,
    nodes,
    brokers: nodes.map((node) => `127.0.0.1:${node.port}`),
    port: first.port,
    get pid() {
      return first.pid;
    },
    stop,
    kill: () => each((one) => one.kill()),
    pause: () => nodes.forEach((node) => node.pause()),
    resume: () => nodes.forEach((node) => node.resume()),
    restart: async () => {
      await stop();
      await each((one) => one.start());
    },
    remove: () => each((one) => one.remove()),
  };
}

function nodeHandle(broker: BrokerProcess, facts: KafkaNodeFacts): KafkaNode {
  return {
    ...facts,
    get pid() {
      return broker.pid;
    },
    log: () => broker.log(),
    stop: () => broker.stop(),
    kill: () => broker.kill(),
    pause: () => broker.pause(),
    resume: () => broker.resume(),
    restart: () => broker.restart(),
    remove: () => broker.remove(),
  };
}
