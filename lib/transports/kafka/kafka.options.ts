import type { SecureContextOptions } from 'node:tls';

/** How to prove who we are. The secrets never show in a log, an error or health. */
export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      /** Called for each connection, and again before its session ends, so that rotated ones are picked up. */
      readonly credentials: () => { readonly username: string; readonly password: string };
    }
  | {
      readonly mechanism: 'oauthbearer';
      /** Called for each connection, and again before the token's session ends. Resolves with the token. */
      readonly token: () => Promise<string>;
    };

/** What TLS takes beside `true`: the authority's, and for mutual TLS our own, certificate and key. */
export interface KafkaTls extends Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'pfx'> {
  /** Name the certificate must be for. @default the broker's host name */
  readonly servername?: string;
  /** Whether a certificate nobody vouches for is refused. @default true */
  readonly rejectUnauthorized?: boolean;
}

/** Where the brokers are and how to reach them. */
export interface KafkaConnectionOptions {
  /** `host:port` of one broker or more; the others are found through them. */
  readonly brokers: string | readonly string[];
  /** Shows in the broker's logs and quotas. @default 'nestjs-eventbus' */
  readonly clientId?: string;
  /** TLS; `true` trusts the authorities Node trusts. @default false */
  readonly ssl?: boolean | KafkaTls;
  /** @default none */
  readonly sasl?: KafkaSasl;
  /** Permits SASL/PLAIN without TLS, which sends the password readable. @default false */
  readonly allowInsecureAuth?: boolean;
  /** To open a connection, in milliseconds. @default 5000 */
  readonly connectTimeoutMs?: number;
  /** To authenticate on it, in milliseconds. @default 10000 */
  readonly authenticationTimeoutMs?: number;
  /** For a request's answer, in milliseconds. @default 30000 */
  readonly requestTimeoutMs?: number;
}

/** A topic that is to exist. */
export interface KafkaTopicOptions {
  /** The application's name of it, without topic prefix. */
  readonly name: string;
  /** @default 6 */
  readonly partitions?: number;
  /** @default the smaller of 3 and the number of brokers */
  readonly replicationFactor?: number;
  /** Kafka's own names and values, such as `{ 'retention.ms': '604800000' }`. @default {} */
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * - `create`: a missing topic is created
 * - `create-or-update`: and an existing one gets the declared partitions and config
 * - `validate`: a declared topic that is missing or has fewer partitions is an error at start
 * - `none`: topics are somebody else's business
 */
export type KafkaTopicPolicy = 'create' | 'create-or-update' | 'validate' | 'none';

/** Options of `kafkaTransport()`. All but `connection.brokers` have defaults. */
export interface KafkaTransportOptions {
  readonly connection: KafkaConnectionOptions;
  /** Topics that are to exist before anything is published. @default [] */
  readonly topics?: readonly KafkaTopicOptions[];
  /** What is done about topics: the declared ones at start, others at first use. @default 'create' */
  readonly policy?: KafkaTopicPolicy;
  /** What a fetch may bring of one partition, in bytes; one larger message comes all the same. @default 131072 (128 KiB) */
  readonly maxBytesPerPartition?: number;
  /** How long the broker may wait for something to send while some partitions have no room, in milliseconds. @default 100 */
  readonly maxWaitTimeMs?: number;
  /** A member that was silent for so long, in milliseconds, has lost its partitions. @default 10000 */
  readonly sessionTimeoutMs?: number;
  /** How often a member shows that it lives, in milliseconds; at most a third of `sessionTimeoutMs`. @default 500 */
  readonly heartbeatIntervalMs?: number;
  /** How long a rebalance waits for a member to join again, in milliseconds. @default 30000 */
  readonly rebalanceTimeoutMs?: number;
  /** How often progress is committed while there is any, in milliseconds. @default 100 */
  readonly commitIntervalMs?: number;
  /** Deliveries of a partition past its first unsettled one before it stops fetching: the bound of duplicates. @default 100000 */
  readonly maxUncommitted?: number;
  /** How often topics and partitions that came later are looked for, in milliseconds. @default 10000 */
  readonly topicRefreshMs?: number;
  /** A consumer that is connected and gets nothing for so long, in milliseconds, although it should, is replaced. @default 30000 */
  readonly deafAfterMs?: number;
  /** Largest dead letter, in bytes, where its topic is created by us. @default 33554432 (32 MiB) */
  readonly maxDeadLetterBytes?: number;
}

export interface ResolvedKafkaTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number | undefined;
  readonly config: Readonly<Record<string, string>>;
}

/** The options with everything present. */
export interface ResolvedKafkaOptions {
  readonly connection: ResolvedKafkaConnection;
  readonly topics: readonly ResolvedKafkaTopic[];
  readonly policy: KafkaTopicPolicy;
  readonly maxBytesPerPartition: number;
  readonly maxWaitTimeMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly commitIntervalMs: number;
  readonly maxUncommitted: number;
  readonly topicRefreshMs: number;
  readonly deafAfterMs: number;
  readonly maxDeadLetterBytes: number;
}

export interface ResolvedKafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: boolean | KafkaTls;
  readonly sasl: KafkaSasl | undefined;
  readonly connectTimeoutMs: number;
  readonly authenticationTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export const DEFAULT_TOPIC_PARTITIONS = 6;

export const DEFAULT_KAFKA_CONNECTION = {
  clientId: 'nestjs-eventbus',
  ssl: false,
  connectTimeoutMs: 5_000,
  authenticationTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
} as const;

export const DEFAULT_KAFKA_OPTIONS = {
  policy: 'create',
  maxBytesPerPartition: 131_072,
  maxWaitTimeMs: 100,
  sessionTimeoutMs: 10_000,
  heartbeatIntervalMs: 500,
  rebalanceTimeoutMs: 30_000,
  commitIntervalMs: 100,
  maxUncommitted: 100_000,
  topicRefreshMs: 10_000,
  deafAfterMs: 30_000,
  maxDeadLetterBytes: 33_554_432,
} as const;
