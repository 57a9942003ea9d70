import type { Broker, Cluster } from 'kafkajs';

/**
 * What we use of kafkajs 2.2.4 that its types leave out. Pinned by test/unit/transports/kafka/driver/kafkajs-internals.spec.ts:
 * a release that is built differently fails there.
 */
export interface GroupBroker extends Broker {
  joinGroup(request: JoinRequest): Promise<JoinAnswer>;
  syncGroup(request: SyncRequest): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}

export interface JoinRequest {
  readonly memberId: string;
  readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

export interface JoinAnswer {
  readonly generationId: number;
  readonly memberId: string;
  readonly groupProtocol: string;
}

export interface SyncRequest {
  readonly generationId: number;
  readonly memberId: string;
}

export type FetchRequest = Parameters<Broker['fetch']>[0];

export interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly highWatermark: string }[];
  }[];
}

/** The cluster object that an assigner is given; its methods are replaced on this one instance. */
export type MemberCluster = Pick<
  Cluster,
  'addMultipleTargetTopics' | 'fetchTopicsOffset' | 'findTopicPartitionMetadata' | 'refreshMetadata'
> & {
  findGroupCoordinator(group: { groupId: string }): Promise<GroupBroker>;
  refreshMetadataIfNecessary(): Promise<void>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
};

const REPLACED = ['findGroupCoordinator', 'refreshMetadataIfNecessary', 'findBroker'];

/** @throws Error when this kafkajs is built differently */
export function memberCluster(cluster: unknown): MemberCluster {
  if (!isMemberCluster(cluster)) throw new Error('This version of kafkajs is built differently: 2.2.4 is needed.');
  return cluster;
}

function isMemberCluster(cluster: unknown): cluster is MemberCluster {
  if (typeof cluster !== 'object' || cluster === null) return false;
  return REPLACED.every((name) => typeof Reflect.get(cluster, name) === 'function');
}

/** The broker with some methods replaced; all others work on the broker itself. */
export function overridden<T extends object>(broker: T, methods: Partial<T>): T {
  return new Proxy(broker, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
