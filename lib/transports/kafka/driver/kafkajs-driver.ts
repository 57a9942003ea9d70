import { Kafka, logLevel, type KafkaConfig } from 'kafkajs';
import type { BusLogger } from '../../../core/logger.js';
import type { KafkaSasl, ResolvedKafkaConnection } from '../kafka.options.js';
import { clientLog } from './client-log.js';
import type { KafkaAdmin, KafkaDriver, KafkaMember, KafkaProducer, MemberHooks, MemberOptions } from './driver.js';
import { guardIdle } from './idle-guard.js';
import { Leaderless, LEADERLESS_MEMBER_MS, tolerateLeaderless } from './leaderless.js';
import { KafkajsAdmin } from './kafkajs-admin.js';
import { KafkajsMember } from './kafkajs-member.js';
import { KafkajsProducer } from './kafkajs-producer.js';
import { endSilentConnections } from './silent-connections.js';
import { OpenSockets } from './sockets.js';

/** A client of its own: own sockets, own metadata, own offsets, so that ending it touches no other. */
export interface Client {
  readonly kafka: Kafka;
  readonly sockets: OpenSockets;
}

/** kafkajs 2.2.4, with its traps neutralised (docs/adr/0020 to 0024). */
export class KafkajsDriver implements KafkaDriver {
  readonly #sockets = new Set<OpenSockets>();
  /** As the members have seen it, each of which may live for less than an election. */
  readonly #leaderless = new Leaderless(LEADERLESS_MEMBER_MS);

  /** @param socketsChanged called when a connection came up or went down */
  constructor(
    private readonly connection: ResolvedKafkaConnection,
    private readonly logger: BusLogger,
    private readonly socketsChanged: () => void,
  ) {}

  get openSockets(): number {
    let up = 0;
    for (const sockets of this.#sockets) up += sockets.up;
    return up;
  }

  createAdmin(): KafkaAdmin {
    return new KafkajsAdmin(this.#client());
  }

  createProducer(): KafkaProducer {
    return new KafkajsProducer(this.#client(), this.connection.requestTimeoutMs);
  }

  createMember(options: MemberOptions, hooks: MemberHooks): KafkaMember {
    return new KafkajsMember(this.#client(this.#leaderless), options, hooks);
  }

  unwrap(): Kafka {
    return this.#client().kafka;
  }

  #client(leaderless = new Leaderless(0)): Client {
    const sockets: OpenSockets = new OpenSockets(() => {
      if (sockets.up > 0) this.#sockets.add(sockets);
      else this.#sockets.delete(sockets);
      this.socketsChanged();
    });
    const kafka = new Kafka(clientConfig(this.connection, this.logger, sockets));
    guardIdle(kafka);
    endSilentConnections(kafka);
    tolerateLeaderless(kafka, leaderless);
    return { kafka, sockets };
  }
}

/** Retries are few and short: whoever calls supervises and tries again itself. */
function clientConfig(connection: ResolvedKafkaConnection, logger: BusLogger, sockets: OpenSockets): KafkaConfig {
  const { brokers, clientId, ssl, sasl } = connection;
  return {
    brokers: [...brokers],
    clientId,
    ssl: typeof ssl === 'boolean' ? ssl : { ...ssl },
    ...(sasl ? { sasl: clientSasl(sasl) } : {}),
    connectionTimeout: connection.connectTimeoutMs,
    authenticationTimeout: connection.authenticationTimeoutMs,
    requestTimeout: connection.requestTimeoutMs,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 },
    socketFactory: sockets.factory,
    logLevel: logLevel.WARN,
    logCreator: clientLog(logger),
  };
}

/** A fresh object for each client, because kafkajs writes into it. */
function clientSasl(sasl: KafkaSasl): NonNullable<KafkaConfig['sasl']> {
  if (sasl.mechanism === 'oauthbearer') {
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) };
  }
  const login = 'credentials' in sasl ? asked(sasl.credentials) : { username: sasl.username, password: sasl.password };
  if (sasl.mechanism === 'plain') return Object.assign(login, { mechanism: 'plain' as const });
  if (sasl.mechanism === 'scram-sha-256') return Object.assign(login, { mechanism: 'scram-sha-256' as const });
  return Object.assign(login, { mechanism: 'scram-sha-512' as const });
}

/** kafkajs reads both whenever it authenticates. */
function asked(credentials: () => { readonly username: string; readonly password: string }) {
  return {
    get username() {
      return credentials().username;
    },
    get password() {
      return credentials().password;
    },
  };
}
