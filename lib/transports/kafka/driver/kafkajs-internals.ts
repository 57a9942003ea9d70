import { Socket } from 'node:net';
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
    readonly partitions: readonly {
      readonly partition: number;
      readonly highWatermark: string;
      readonly lastStableOffset?: string;
      readonly messages: readonly unknown[];
    }[];
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

/** What a request of our own making needs of a broker. */
export interface RawBroker {
  readonly connectionPool: {
    send<T>(request: {
      readonly request: {
        readonly apiKey: number;
        readonly apiVersion: number;
        readonly apiName: string;
        encode(): Promise<unknown>;
      };
      readonly response: { decode(raw: Buffer): Promise<Buffer>; parse(raw: Buffer): Promise<T> };
    }): Promise<T>;
  };
  /** What the broker understands, by the number of the request; null before the first connection. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null;
}

/** False when this kafkajs is built differently. */
export function isRawBroker(broker: object): broker is RawBroker {
  const pool: unknown = Reflect.get(broker, 'connectionPool');
  const hasSend = typeof pool === 'object' && pool !== null && typeof Reflect.get(pool, 'send') === 'function';
  return hasSend && typeof Reflect.get(broker, 'versions') === 'object';
}

/** The connection over which kafkajs fetches, alone of all requests. */
const FETCHING = 1;

/** Cuts it: the broker answers one request after another, and the next fetch would wait for what nobody waits for any more. */
export function cutFetches(broker: object): void {
  const pool = found(broker, 'connectionPool');
  const socket = found(found(found(pool, 'pool'), FETCHING), 'socket');
  if (socket instanceof Socket) socket.destroy(new Error('closed by this process'));
}

function found(value: unknown, name: string | number): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

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
