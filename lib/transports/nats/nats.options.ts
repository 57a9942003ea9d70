import type { Authenticator } from '@nats-io/transport-node';

/** TLS towards the servers. Texts are PEM; files are read at every connection, so that renewed certificates are picked up. */
export interface NatsTlsOptions {
  /** Authorities to trust, as PEM text. @default those of Node */
  readonly ca?: string;
  readonly caFile?: string;
  /** Our certificate, where the server asks for one (mTLS), as PEM text. */
  readonly cert?: string;
  readonly certFile?: string;
  /** Its private key, as PEM text. */
  readonly key?: string;
  readonly keyFile?: string;
  /** TLS before the server's greeting; the server must be set up for it. @default false */
  readonly handshakeFirst?: boolean;
  /** `false` takes any certificate, and so anybody for the server: warned about at every start. @default true */
  readonly rejectUnauthorized?: boolean;
}

/** How the servers are reached. The bus never gives up: after a cut, or when none is there, it tries again for ever. */
export interface NatsConnectionOptions {
  /** `host:port` or `nats://host:port`, all of them are tried. `user:pass@` and `token@` are taken out of the URL. @default 'localhost:4222' */
  readonly servers?: string | readonly string[];
  /** As the server's monitoring shows this process. @default the bus's name */
  readonly name?: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Seed of an nkey (`SU…`). */
  readonly nkeySeed?: string;
  /** Text of a creds file. */
  readonly creds?: string;
  /** Path of a creds file; read at every connection, so that rotated ones are picked up. */
  readonly credsFile?: string;
  /** The client's own authenticator, for everything else. */
  readonly authenticator?: Authenticator;
  /** `true` demands TLS with Node's authorities. @default as the server demands */
  readonly tls?: boolean | NatsTlsOptions;
  /** Begin of every reply subject, for accounts with narrow permissions. @default '_INBOX' */
  readonly inboxPrefix?: string;
  /** JetStream domain, behind leaf nodes. */
  readonly domain?: string;
  /** Longest one attempt may take, in milliseconds. @default 5000 */
  readonly connectTimeoutMs?: number;
  /** Wait after the first failed attempt, in milliseconds; doubled after each. @default 100 */
  readonly reconnectDelayMs?: number;
  /** Longest wait between two attempts, in milliseconds; after refused credentials the only one. @default 5000 */
  readonly maxReconnectDelayMs?: number;
  /** Wait between two pings that find a dead connection (two unanswered), in milliseconds. @default 10000 */
  readonly pingIntervalMs?: number;
}

/** What a stream keeps, and for how long. */
export interface NatsStreamLimits {
  /** @default 'file' */
  readonly storage?: 'file' | 'memory';
  /** Messages older than that are removed, in milliseconds; 0 keeps them for ever. @default 604800000 (7 days) */
  readonly maxAgeMs?: number;
  /** @default no limit */
  readonly maxBytes?: number;
  /** @default no limit */
  readonly maxMessages?: number;
  /** Largest message, in bytes; the server's max_payload holds besides. @default no limit */
  readonly maxMessageBytes?: number;
  /** A full stream: `new` rejects what is published, `old` drops the oldest, handled or not. @default 'new' */
  readonly discard?: 'new' | 'old';
  /** @default 1 */
  readonly replicas?: number;
  /** How long the server knows the ids it has seen, in milliseconds. @default 120000, at most maxAgeMs */
  readonly duplicateWindowMs?: number;
}

/** A stream the application needs. */
export interface NatsStreamOptions extends NatsStreamLimits {
  /** Letters, digits, `_` and `-`; the topic prefix is put before it. */
  readonly name: string;
  /** Application topics it stores; may have wildcards. */
  readonly subjects: readonly string[];
  /** `limits` for events; `workqueue` removes what is settled and allows one group a topic; `interest` keeps nothing while no group is there. @default 'limits' */
  readonly retention?: 'limits' | 'interest' | 'workqueue';
  /** Keyed events are spread over so many partitions; 0 is none. Changing it moves keys: drain first. @default 0 */
  readonly partitions?: number;
}

/**
 * - `create`: create what is missing; complain of what differs
 * - `create-or-update`: also change what differs, where the server can
 * - `validate`: everything must be there, as declared
 * - `none`: believe the declaration
 */
export type NatsStreamPolicy = 'create' | 'create-or-update' | 'validate' | 'none';

/** Options of `natsTransport()`. All have defaults. */
export interface NatsTransportOptions {
  readonly connection?: NatsConnectionOptions;
  /** @default [] */
  readonly streams?: readonly NatsStreamOptions[];
  /** @default 'create' */
  readonly policy?: NatsStreamPolicy;
  /** The stream of dead letters, `DEAD_LETTERS` on `dead.>`. */
  readonly deadLetters?: NatsStreamLimits;
  /** A delivery that nobody extends or settles comes again after so many milliseconds; ours are extended at a third of it. @default 10000 */
  readonly ackWaitMs?: number;
  /** How long others wait for an instance that was not heard of before they take over what it owned, in milliseconds; at least `ackWaitMs`. @default 10000 */
  readonly memberTtlMs?: number;
  /**
   * Name of this instance, the same after each restart, and no other's at the same time: a StatefulSet's pod, or any text where there is one
   * instance. After a crash it then goes on at once instead of waiting for `memberTtlMs`. @default none
   */
  readonly instanceId?: string;
  /** Most deliveries of one consumer that are not settled, over all instances. @default 20000 */
  readonly maxAckPending?: number;
  /** How long one pull waits at the server, in milliseconds. A consumer's pin is freed four times that after its owner was last heard of. @default 2000 */
  readonly pullExpiryMs?: number;
  /** Most messages asked for at a time, per consumer. @default 2000 */
  readonly pullBatch?: number;
}

type Defined<T> = { readonly [Name in keyof T]-?: NonNullable<T[Name]> };

/** The same with everything present. */
export interface ResolvedNatsStream extends Defined<NatsStreamLimits> {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: 'limits' | 'interest' | 'workqueue';
  readonly partitions: number;
}

export interface ResolvedNatsOptions {
  readonly connection: NatsConnectionOptions;
  readonly streams: readonly ResolvedNatsStream[];
  readonly policy: NatsStreamPolicy;
  readonly deadLetters: Defined<NatsStreamLimits>;
  readonly ackWaitMs: number;
  readonly memberTtlMs: number;
  readonly instanceId?: string;
  readonly maxAckPending: number;
  readonly pullExpiryMs: number;
  readonly pullBatch: number;
}

/** -1 is how JetStream writes "no limit". */
export const DEFAULT_STREAM_LIMITS: Defined<NatsStreamLimits> = {
  storage: 'file',
  maxAgeMs: 7 * 24 * 3_600_000,
  maxBytes: -1,
  maxMessages: -1,
  maxMessageBytes: -1,
  discard: 'new',
  replicas: 1,
  duplicateWindowMs: 120_000,
};

export const DEFAULT_NATS_OPTIONS = {
  policy: 'create',
  ackWaitMs: 10_000,
  memberTtlMs: 10_000,
  maxAckPending: 20_000,
  pullExpiryMs: 2_000,
  pullBatch: 2_000,
} as const satisfies Partial<NatsTransportOptions>;

export const DEFAULT_NATS_CONNECTION = {
  servers: 'localhost:4222',
  inboxPrefix: '_INBOX',
  connectTimeoutMs: 5_000,
  reconnectDelayMs: 100,
  maxReconnectDelayMs: 5_000,
  pingIntervalMs: 10_000,
} as const satisfies NatsConnectionOptions;

/** Fills in the defaults; the options have been validated. */
export function resolveNatsOptions(options: NatsTransportOptions): ResolvedNatsOptions {
  return {
    ...DEFAULT_NATS_OPTIONS,
    ...options,
    connection: { ...DEFAULT_NATS_CONNECTION, ...options.connection },
    streams: (options.streams ?? []).map((stream) => ({
      retention: 'limits',
      partitions: 0,
      ...stream,
      ...limits(stream),
    })),
    deadLetters: limits(options.deadLetters ?? {}),
  };
}

function limits(given: NatsStreamLimits): Defined<NatsStreamLimits> {
  const all = { ...DEFAULT_STREAM_LIMITS, ...given };
  const longest = all.maxAgeMs > 0 ? all.maxAgeMs : Number.POSITIVE_INFINITY;
  return { ...all, duplicateWindowMs: Math.min(all.duplicateWindowMs, longest) };
}
