import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort, type NatsServer, startNats } from '../brokers/index.js';
import { FaultProxy } from './proxy.js';

export interface NatsClusterOptions {
  /** @default NATS_VERSION */
  readonly version?: string;
  /** @default 3 */
  readonly nodes?: number;
}

/** Several nats-servers that are one JetStream, each behind a proxy which it names to its clients. */
export interface NatsCluster {
  readonly nodes: readonly NatsServer[];
  /** In the order of the nodes. */
  readonly proxies: readonly FaultProxy[];
  /** host:port of every proxy: for the clients under test. */
  readonly urls: readonly string[];
  /** host:port of every server: for a test's own look at it. */
  readonly direct: readonly string[];
  /** The node with that name, as the server's answers call it (`cluster.leader`); `undefined` when none has it. */
  nodeNamed(name: string | undefined): Promise<NatsServer | undefined>;
  /** The node that leads JetStream's own administration; `undefined` while there is none. */
  metaLeader(): Promise<NatsServer | undefined>;
  /** Resolves when JetStream answers and a stream of all replicas could be made. @throws Error after 30 s */
  ready(): Promise<void>;
  /** Ends the servers and the proxies. */
  remove(): Promise<void>;
}

const READY_TIMEOUT_MS = 30_000;

/** Clients are of `APP` without a word; `system` may ask the servers about themselves. */
const ACCOUNTS = `
accounts {
  SYS { users: [{ user: system, password: system }] }
  APP { jetstream: enabled, users: [{ user: app, password: app }] }
}
system_account: SYS
no_auth_user: app
`;

/**
 * Starts a cluster of nats-servers with JetStream on 127.0.0.1; resolves when it has a leader.
 * @throws BrokerUnavailableError, BrokerStartError, Error when there is no leader within 30 s
 */
export async function startNatsCluster({ version, nodes: count = 3 }: NatsClusterOptions = {}): Promise<NatsCluster> {
  const ports: number[] = [];
  const proxies: FaultProxy[] = [];
  for (let node = 0; node < count; node += 1) {
    ports.push(await freePort());
    proxies.push(await FaultProxy.open());
  }
  const configOf = (port: number, node: number): string => `
client_advertise: "${proxies[node]?.url}"
cluster {
  name: faults
  listen: "127.0.0.1:${port}"
  routes: [${ports.map((other) => `"nats://127.0.0.1:${other}"`).join(', ')}]
}
${ACCOUNTS}`;
  const start = (port: number, node: number): Promise<NatsServer> =>
    startNats({ config: configOf(port, node), ...(version === undefined ? {} : { version }) });

  const started = await Promise.allSettled(ports.map(start));
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const cluster = clusterOf(nodes, proxies);
  const failed = started.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await cluster.remove();
    throw failed.reason;
  }
  nodes.forEach((node, index) => proxies[index]?.retarget(node.port));
  await cluster.ready();
  return cluster;
}

function clusterOf(nodes: readonly NatsServer[], proxies: readonly FaultProxy[]): NatsCluster {
  const direct = nodes.map(({ url }) => url);
  const nodeNamed = async (name: string | undefined): Promise<NatsServer | undefined> => {
    for (const node of nodes) if (name !== undefined && (await nameOf(node)) === name) return node;
    return undefined;
  };
  return {
    nodes,
    proxies,
    urls: proxies.map(({ url }) => url),
    direct,
    nodeNamed,
    metaLeader: async () => nodeNamed(await asked(direct, metaLeaderName, 'system').catch(() => undefined)),
    ready: () => untilReady(direct, nodes.length),
    remove: async () => {
      await Promise.all([...nodes.map((node) => node.remove()), ...proxies.map((proxy) => proxy.close())]);
    },
  };
}

/** Its name as it says it in its greeting; `undefined` when it is away. */
function nameOf(node: NatsServer): Promise<string | undefined> {
  return asked([node.url], (connection) => Promise.resolve(connection.info?.server_name)).catch(() => undefined);
}

async function metaLeaderName(connection: NatsConnection): Promise<string | undefined> {
  const answer = await connection.request('$SYS.REQ.SERVER.PING.JSZ', '{}', { timeout: 2_000 });
  const { data } = answer.json<{ data?: { meta_cluster?: { leader?: string } } }>();
  return data?.meta_cluster?.leader;
}

async function untilReady(servers: readonly string[], replicas: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await asked(servers, (connection) => tryStream(connection, replicas));
    } catch (error) {
      if (performance.now() > deadline) throw new Error('The cluster has no leader.', { cause: error });
    }
    await sleep(100);
  }
}

async function tryStream(connection: NatsConnection, replicas: number): Promise<void> {
  const manager = await jetstreamManager(connection, { timeout: 2_000 });
  await manager.streams.add({ name: 'READY', subjects: ['ready'], num_replicas: replicas });
  await manager.streams.delete('READY');
}

async function asked<T>(
  servers: readonly string[],
  ask: (connection: NatsConnection) => Promise<T>,
  user?: string,
): Promise<T> {
  const login = user === undefined ? {} : { user, pass: user };
  const connection = await connect({ servers: [...servers], timeout: 1_000, ignoreClusterUpdates: true, ...login });
  try {
    return await ask(connection);
  } finally {
    await connection.close();
  }
}
