/** What is fixed about one node before it starts. */
export interface KafkaNodeFacts {
  /** From 1. */
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Its folder: server.properties, logs, and `data` unless `dataDir` was given. */
  readonly folder: string;
  readonly dataDir: string;
}

/** Lines of server.properties; a later one replaces an earlier one, `undefined` takes it away. */
export type KafkaProperties = Readonly<Record<string, string | number | boolean | undefined>>;

/** What is the same wherever a test's Kafka runs, docker-compose.yml included. */
export function sharedProperties(replicas: number): KafkaProperties {
  return {
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.min.isr': Math.max(1, replicas - 1),
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
  };
}

/**
 * What a local process runs with: one node or a few, plaintext, on 127.0.0.1. A node that was killed is let in again
 * when its last session has ended; alone it has nobody to be mistaken about, so that its session can be short.
 */
export function defaultProperties(node: KafkaNodeFacts, nodes: readonly KafkaNodeFacts[]): KafkaProperties {
  const replicas = Math.min(3, nodes.length);
  const voters = nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`);

  return {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': node.dataDir,
    ...sharedProperties(replicas),
    'default.replication.factor': replicas,
    'broker.session.timeout.ms': nodes.length > 1 ? 10_000 : 4_000,
    'broker.heartbeat.interval.ms': nodes.length > 1 ? 2_000 : 500,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024,
  };
}

/** The text of a server.properties. */
export function propertiesText(...layers: readonly KafkaProperties[]): string {
  const merged: KafkaProperties = Object.assign({}, ...layers);
  return Object.entries(merged)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escaped(String(value))}\n`)
    .join('');
}

/** Java's properties take a backslash for an escape and end a value with its line. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
