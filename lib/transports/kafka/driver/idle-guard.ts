import type { Kafka } from 'kafkajs';

/** The parts of a cluster object that the guard touches. Not in kafkajs's types. */
interface GuardedCluster {
  readonly connectionPoolBuilder: { build(...args: unknown[]): Promise<GuardedPool> };
}

interface GuardedPool {
  readonly pool: readonly { readonly requestQueue: GuardedQueue }[];
}

interface GuardedQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

type CreateCluster = (...args: unknown[]) => GuardedCluster;

/**
 * Stops the timer that each connection of kafkajs 2.2.4 sets again every millisecond once it has had an answer (2 % of a
 * core, for nothing). Only instances made through this client are changed, never kafkajs itself.
 * @returns false when this kafkajs is built differently; it then works as it comes
 */
export function guardIdle(kafka: Kafka): boolean {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (symbol === undefined) return false;

  const createCluster: unknown = Reflect.get(kafka, symbol);
  if (!isCreateCluster(createCluster)) return false;
  Reflect.set(kafka, symbol, (...args: unknown[]) => guarded(createCluster(...args)));
  return true;
}

function guarded(cluster: GuardedCluster): GuardedCluster {
  const builder = cluster.connectionPoolBuilder;
  const build = builder.build.bind(builder);
  builder.build = async (...args) => {
    const pool = await build(...args);
    for (const { requestQueue } of pool.pool) guardQueue(requestQueue);
    return pool;
  };
  return cluster;
}

function guardQueue(queue: GuardedQueue): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}

function isCreateCluster(value: unknown): value is CreateCluster {
  return typeof value === 'function';
}
