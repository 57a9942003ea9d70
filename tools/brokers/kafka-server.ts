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
  /** Beside what this process has. @default {} */
  readonly env?: NodeJS.ProcessEnv;
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
  const { version = KAFKA_VERSION } = options;
  const [java, jars] = [await javaPath(), await kafkaJars(version)];

  for (let tries = 1; ; tries += 1) {
    const facts = await chooseNodes(options);
    const nodes = facts.map((node) => nodeOf(node, { ...options, version, java, jars }));
    const server = kafkaHandle(version, nodes);
    try {
      await Promise.all(facts.map((node) => format(node, facts, { ...options, version })));
      await server.restart();
      return server;
    } catch (error) {
      await server.remove();
      if (options.port !== undefined || tries >= PORT_TRIES || !lostPort(error)) throw error;
    }
  }
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

type Found = KafkaServerOptions & { readonly version: string; readonly java: string; readonly jars: string };

const propertiesFile = (node: KafkaNodeFacts): string => join(node.folder, 'server.properties');

function nodeOf(node: KafkaNodeFacts, options: Found): KafkaNode {
  const broker = new BrokerProcess(node.folder, {
    name: `Kafka ${options.version} on port ${node.port}`,
    command: options.java,
    args: [...javaFlags(options), '-cp', join(options.jars, '*'), 'kafka.Kafka', propertiesFile(node)],
    env: { ...process.env, ...options.env },
    isReady: (log) => log.includes(STARTED),
    startTimeoutMs: 120_000,
  });
  return Object.assign(broker, node);
}

/** Writes the node's properties and makes its data folder one of the cluster's. */
async function format(
  node: KafkaNodeFacts,
  all: readonly KafkaNodeFacts[],
  { properties = {}, formatArgs = [], version }: KafkaServerOptions & { readonly version: string },
): Promise<void> {
  const own = typeof properties === 'function' ? properties(node) : properties;
  const file = propertiesFile(node);
  await writeFile(file, propertiesText(defaultProperties(node, all), own));
  const args = ['format', '--ignore-formatted', '-t', CLUSTER_ID, '-c', file, ...formatArgs];
  await kafkaTools('kafka.tools.StorageTool', args, version);
}

function javaFlags({ heap = '512m', tuning = 'test' }: KafkaServerOptions): string[] {
  const quick = tuning === 'test' ? ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] : ['-XX:+UseG1GC'];
  return [`-Xmx${heap}`, ...quick, '-Xshare:auto', '-Dorg.slf4j.simpleLogger.showDateTime=true'];
}

/** @throws RangeError when there is no node */
function kafkaHandle(version: string, nodes: readonly KafkaNode[]): KafkaServer {
  const [first] = nodes;
  if (first === undefined) throw new RangeError('A Kafka has at least one node.');

  const each = async (act: (node: KafkaNode) => Promise<void>): Promise<void> => {
    await Promise.all(nodes.map(act));
  };
  return {
    version,
    nodes,
    brokers: nodes.map((node) => `127.0.0.1:${node.port}`),
    port: first.port,
    get pid() {
      return first.pid;
    },
    stop: () => each((node) => node.stop()),
    kill: () => each((node) => node.kill()),
    pause: () => nodes.forEach((node) => node.pause()),
    resume: () => nodes.forEach((node) => node.resume()),
    restart: async () => {
      await each((node) => node.stop());
      await each((node) => node.restart());
    },
    remove: () => each((node) => node.remove()),
  };
}
