import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Kafka, logLevel } from 'kafkajs';
import type { TransportFactory } from '../../../../lib/transport/transport.js';
import {
  kafkaTransport,
  type KafkaTopicOptions,
  type KafkaTransportOptions,
} from '../../../../lib/transports/kafka/index.js';
import {
  type NatsConnectionOptions,
  natsTransport,
  type NatsStreamOptions,
  type NatsTransportOptions,
} from '../../../../lib/transports/nats/index.js';
import {
  type FaultProxy,
  type ProxiedKafka,
  startKafkaBehindProxies,
  startNatsBehindProxy,
} from '../../../../tools/faults/index.js';
import type { BrokerControls } from '../../../../tools/brokers/broker-process.js';
import type { KafkaProperties } from '../../../../tools/brokers/kafka-config.js';
import { KAFKA_VERSION, NATS_VERSION } from '../../../support/brokers.js';
import { unique } from '../../../support/unique.js';

/** Which way an instance reaches its broker. */
export type Via = 'proxy' | 'direct';

/** How far a group has got, as its broker says. */
export interface GroupView {
  /** Events that the group has still to settle. */
  readonly left: number;
}

/** A broker of one kind behind proxies, and what a fault test must know of it. */
export interface Site {
  readonly broker: BrokerControls;
  readonly proxies: readonly FaultProxy[];
  /** A topic nobody else uses, made by the broker when the first instance starts. */
  topic(): string;
  transport(topic: string, via?: Via): TransportFactory;
  view(topic: string, group: string): Promise<GroupView>;
  /**
   * Most events that the group may handle twice after one fault: what was in flight on NATS; on Kafka `maxUncommitted` a partition, and what
   * the last fetch brought past it.
   * @param peakInFlight most that was in flight at once
   */
  duplicatesPerFault(peakInFlight: number): number;
  remove(): Promise<void>;
}

export const PARTITIONS = 4;
/** A member that was silent for so long has lost what it owned. Short, so that faults can be longer. */
export const SESSION_MS = 3_000;
export const MAX_UNCOMMITTED = 200;

/** Each kind of broker, by the name and version a test shows. */
export const SITES: readonly (readonly [name: string, start: () => Promise<Site>])[] = [
  [`Kafka ${KAFKA_VERSION}`, () => KafkaSite.start()],
  [`nats-server ${NATS_VERSION}`, () => NatsSite.start()],
];

export interface KafkaSiteOptions {
  /** @default 1 */
  readonly nodes?: number;
  readonly heap?: string;
  readonly properties?: KafkaProperties;
  /** Of the brokers, beside ours. */
  readonly env?: NodeJS.ProcessEnv;
  readonly transport?: Partial<KafkaTransportOptions>;
  readonly connection?: Partial<KafkaTransportOptions['connection']>;
  readonly topic?: Partial<KafkaTopicOptions>;
}

/** A Kafka; by default of one node. */
export class KafkaSite implements Site {
  constructor(
    readonly proxied: ProxiedKafka,
    private readonly options: KafkaSiteOptions = {},
  ) {}

  static async start(options: KafkaSiteOptions = {}): Promise<KafkaSite> {
    const { nodes = 1, heap = '512m', properties = {}, env = {} } = options;
    const own = { 'group.min.session.timeout.ms': 1_000, ...properties };
    return new KafkaSite(await startKafkaBehindProxies({ nodes, heap, properties: own, env }), options);
  }

  get broker(): BrokerControls {
    return this.proxied.kafka;
  }

  get proxies(): readonly FaultProxy[] {
    return this.proxied.proxies;
  }

  topic(): string {
    return unique('faults');
  }

  transport(topic: string, via: Via = 'proxy'): TransportFactory {
    return kafkaTransport({
      connection: {
        brokers: via === 'proxy' ? this.proxied.brokers : this.proxied.direct,
        connectTimeoutMs: 1_000,
        requestTimeoutMs: 2_000,
        ...this.options.connection,
      },
      topics: [{ name: topic, partitions: PARTITIONS, ...this.options.topic }],
      sessionTimeoutMs: SESSION_MS,
      heartbeatIntervalMs: 300,
      rebalanceTimeoutMs: 6_000,
      maxUncommitted: MAX_UNCOMMITTED,
      ...this.options.transport,
    });
  }

  async view(topic: string, group: string): Promise<GroupView> {
    const admin = this.plain().admin();
    try {
      await admin.connect();
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      const committed = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      const ends = await admin.fetchTopicOffsets(topic);
      const left = ends.map(({ partition, high, low }) => {
        const offset = committed.get(partition) ?? -1;
        return Number(high) - (offset < 0 ? Number(low) : offset);
      });
      return { left: left.reduce((sum, each) => sum + each, 0) };
    } finally {
      await admin.disconnect();
    }
  }

  duplicatesPerFault(peakInFlight: number): number {
    return MAX_UNCOMMITTED * PARTITIONS + peakInFlight;
  }

  remove(): Promise<void> {
    return this.proxied.remove();
  }

  /** A client without the library, and without a proxy. */
  plain(): Kafka {
    return new Kafka({ brokers: [...this.proxied.direct], logLevel: logLevel.NOTHING, retry: { retries: 1 } });
  }
}

/** One nats-server or several, and the proxies in front. */
export interface NatsBehindProxies {
  /** Acts on all of them. */
  readonly broker: BrokerControls;
  readonly proxies: readonly FaultProxy[];
  readonly servers: readonly string[];
  readonly direct: readonly string[];
  log?(): Promise<string>;
  /** Starts it again on the same data, with another configuration. */
  reconfigure?(config: string): Promise<void>;
  remove(): Promise<void>;
}

export interface NatsSiteOptions {
  /** Of the server. */
  readonly config?: string;
  readonly transport?: Partial<NatsTransportOptions>;
  readonly connection?: Partial<NatsConnectionOptions>;
  readonly stream?: Partial<NatsStreamOptions>;
}

/** A nats-server, or a cluster of them. */
export class NatsSite implements Site {
  constructor(
    private readonly server: NatsBehindProxies,
    private readonly options: NatsSiteOptions = {},
  ) {}

  static async start({ config = '', ...options }: NatsSiteOptions = {}): Promise<NatsSite> {
    const { nats, proxy, url, direct, remove } = await startNatsBehindProxy({ config });
    const log = (): Promise<string> => nats.log();
    const reconfigure = async (changed: string): Promise<void> => {
      await writeFile(join(nats.folder, 'nats.conf'), changed);
      await nats.restart();
    };
    const server = { broker: nats, proxies: [proxy], servers: [url], direct: [direct], log, reconfigure, remove };
    return new NatsSite(server, options);
  }

  /** The same server, declared or connected to in another way. */
  with(options: NatsSiteOptions): NatsSite {
    return new NatsSite(this.server, { ...this.options, ...options });
  }

  /** What the server has printed. */
  log(): Promise<string> {
    return this.server.log?.() ?? Promise.resolve('');
  }

  /** Starts the server again on the same data, with another configuration. @throws Error for one that has none of its own */
  async reconfigure(config: string): Promise<void> {
    if (this.server.reconfigure === undefined) throw new Error('This server cannot be configured.');
    await this.server.reconfigure(config);
  }

  get broker(): BrokerControls {
    return this.server.broker;
  }

  get proxies(): readonly FaultProxy[] {
    return this.server.proxies;
  }

  topic(): string {
    return unique('faults');
  }

  transport(topic: string, via: Via = 'proxy'): TransportFactory {
    return natsTransport({
      connection: {
        servers: via === 'proxy' ? this.server.servers : this.server.direct,
        connectTimeoutMs: 1_000,
        reconnectDelayMs: 50,
        maxReconnectDelayMs: 500,
        pingIntervalMs: 500,
        ...this.options.connection,
      },
      streams: [{ name: topic, subjects: [topic], partitions: PARTITIONS, ...this.options.stream }],
      ackWaitMs: SESSION_MS,
      memberTtlMs: SESSION_MS,
      pullExpiryMs: 500,
      ...this.options.transport,
    });
  }

  async view(topic: string): Promise<GroupView> {
    return this.manage(async (manager) => {
      let left = 0;
      for await (const { num_pending, num_ack_pending } of manager.consumers.list(topic)) {
        left += num_pending + num_ack_pending;
      }
      return { left };
    });
  }

  /** Asks the server, without the library and without a proxy. */
  async manage<T>(ask: (manager: JetStreamManager, connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: [...this.server.direct], timeout: 2_000, ignoreClusterUpdates: true });
    try {
      return await ask(await jetstreamManager(connection), connection);
    } finally {
      await connection.close();
    }
  }

  duplicatesPerFault(peakInFlight: number): number {
    return peakInFlight;
  }

  remove(): Promise<void> {
    return this.server.remove();
  }
}
