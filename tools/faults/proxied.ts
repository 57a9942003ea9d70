import {
  freePort,
  type KafkaNodeFacts,
  type KafkaProperties,
  type KafkaServer,
  type KafkaServerOptions,
  type NatsServer,
  type NatsServerOptions,
  startKafka,
  startNats,
} from '../brokers/index.js';
import { FaultProxy } from './proxy.js';

/** A Kafka whose clients come through proxies; what brokers say to each other does not. */
export interface ProxiedKafka {
  readonly kafka: KafkaServer;
  /** One a node, in the order of the nodes. */
  readonly proxies: readonly FaultProxy[];
  /** host:port of every proxy: for the clients under test. Metadata names the proxies too. */
  readonly brokers: readonly string[];
  /** host:port of every node's second listener, without a proxy: for a test's own look at the broker. */
  readonly direct: readonly string[];
  /** Ends the brokers and the proxies. */
  remove(): Promise<void>;
}

/** A nats-server whose clients may come through a proxy. */
export interface ProxiedNats {
  readonly nats: NatsServer;
  readonly proxy: FaultProxy;
  /** host:port of the proxy: for the clients under test. */
  readonly url: string;
  /** host:port of the server: for a test's own look at it. */
  readonly direct: string;
  /** Ends the server and the proxy. */
  remove(): Promise<void>;
}

/**
 * Starts a Kafka, of `nodes` nodes, each behind a proxy of its own which it advertises to its clients.
 * @throws BrokerUnavailableError, BrokerStartError
 */
export async function startKafkaBehindProxies(options: KafkaServerOptions = {}): Promise<ProxiedKafka> {
  const { nodes = 1, properties = {} } = options;
  const proxies: FaultProxy[] = [];
  const directPorts: number[] = [];
  for (let node = 0; node < nodes; node += 1) {
    proxies.push(await FaultProxy.open());
    directPorts.push(await freePort());
  }
  const close = (): Promise<unknown> => Promise.all(proxies.map((proxy) => proxy.close()));

  const listeners = (node: KafkaNodeFacts): KafkaProperties => ({
    ...listenersOf(node, proxies[node.id - 1]?.port, directPorts[node.id - 1]),
    ...(typeof properties === 'function' ? properties(node) : properties),
  });
  const kafka = await startKafka({ ...options, properties: listeners }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  kafka.nodes.forEach((node, index) => proxies[index]?.retarget(node.port));
  return {
    kafka,
    proxies,
    brokers: proxies.map(({ url }) => url),
    direct: directPorts.map((port) => `127.0.0.1:${port}`),
    remove: async () => {
      await Promise.all([kafka.remove(), close()]);
    },
  };
}

function listenersOf(node: KafkaNodeFacts, proxyPort = 0, directPort = 0): KafkaProperties {
  const direct = `DIRECT://127.0.0.1:${directPort}`;
  return {
    listeners: `PLAINTEXT://127.0.0.1:${node.port},${direct},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxyPort},${direct}`,
    'inter.broker.listener.name': 'DIRECT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DIRECT:PLAINTEXT',
  };
}

/**
 * Starts a nats-server and a proxy in front of it.
 * @throws BrokerUnavailableError, BrokerStartError
 */
export async function startNatsBehindProxy(options: NatsServerOptions = {}): Promise<ProxiedNats> {
  const nats = await startNats(options);
  const proxy = await FaultProxy.open({ target: nats.port });
  return {
    nats,
    proxy,
    url: proxy.url,
    direct: nats.url,
    remove: async () => {
      await Promise.all([nats.remove(), proxy.close()]);
    },
  };
}
