import type { Kafka } from 'kafkajs';

/** What is touched of a connection. Not in kafkajs's types. */
export interface ClientConnection {
  readonly requestQueue: { readonly pending: readonly unknown[]; scheduleCheckPendingRequests(): void };
  send(call: ConnectionCall): Promise<unknown>;
  /** Undefined until it was first connected. */
  readonly socket: { destroy(error: Error): unknown } | undefined;
}

/** A request, and how its answer is read. */
export interface ConnectionCall {
  readonly request: { readonly apiName: string };
  readonly response: { readonly parse: (answer: unknown) => Promise<unknown> };
}

type Visit = (connection: ClientConnection) => void;

/** The parts of a cluster object that lead to its connections. */
interface Cluster {
  readonly connectionPoolBuilder: {
    build(...args: unknown[]): Promise<{ readonly pool: readonly ClientConnection[] }>;
  };
}

type CreateCluster = (...args: unknown[]) => Cluster;

/**
 * Shows every connection of a client, when it is made, to somebody who changes it. Only instances made through this client are changed,
 * never kafkajs itself.
 * @returns false when this kafkajs is built differently; it then works as it comes
 */
export function onEachConnection(kafka: Kafka, visit: Visit): boolean {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (symbol === undefined) return false;

  const createCluster: unknown = Reflect.get(kafka, symbol);
  if (!isCreateCluster(createCluster)) return false;
  Reflect.set(kafka, symbol, (...args: unknown[]) => visited(createCluster(...args), visit));
  return true;
}

function visited(cluster: Cluster, visit: Visit): Cluster {
  const builder = cluster.connectionPoolBuilder;
  const build = builder.build.bind(builder);
  builder.build = async (...args) => {
    const pool = await build(...args);
    for (const connection of pool.pool) visit(connection);
    return pool;
  };
  return cluster;
}

function isCreateCluster(value: unknown): value is CreateCluster {
  return typeof value === 'function';
}
