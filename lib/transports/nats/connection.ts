import {
  connect,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
  type ServerInfo,
} from '@nats-io/transport-node';
import { monotonicNow } from '../../core/clock.js';
import { AuthenticationError, type EventBusError, NotConnectedError } from '../../core/errors.js';
import type { Handle, HandleRegister } from '../../core/handle-register.js';
import type { BusLogger } from '../../core/logger.js';
import type { ConnectionState, ConnectionStatus } from '../../transport/transport.js';
import { credentialsOf, secretsOf, serverAddresses } from './credentials.js';
import { connectionError, isTransient, NATS, type PermissionViolation } from './nats.errors.js';
import { DEFAULT_NATS_CONNECTION, type NatsConnectionOptions } from './nats.options.js';
import { Pause } from './pause.js';
import { Redactor } from './redactor.js';

/** What a connection tells its owner. */
export interface NatsConnectionPort {
  readonly name: string;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  onStatus(status: ConnectionStatus): void;
  /** A new connection: every subscription is to be made anew on it. */
  onUp(connection: NatsConnection): void;
  /** It is gone, and with it every subscription and every answer that was waited for. */
  onDown(error: EventBusError): void;
  onPermissionViolation(error: PermissionViolation): void;
}

/**
 * One connection at a time, made anew for ever. The client's own reconnecting is off: it keeps what is published while it is away
 * and drops some of it, so that nobody could say what was sent.
 */
export class NatsLink {
  readonly redactor: Redactor;
  readonly #pause: Pause;
  #connection: NatsConnection | undefined;
  /** The last greeting; outlives its connection. */
  #server: ServerInfo | undefined;
  #status: ConnectionStatus = { state: 'disconnected', since: monotonicNow() };
  #handle: Handle | undefined;
  #wasUp = false;
  #closing = false;
  /** Servers the cluster told us of, beside those of the options. */
  #known: string[];

  constructor(
    private readonly options: NatsConnectionOptions,
    private readonly port: NatsConnectionPort,
  ) {
    this.redactor = new Redactor(secretsOf(options));
    this.#pause = new Pause(port.handles, 'nats reconnect');
    this.#known = serverAddresses(options.servers ?? DEFAULT_NATS_CONNECTION.servers);
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Undefined while there is none. */
  get connection(): NatsConnection | undefined {
    return this.#connection;
  }

  get server(): ServerInfo | undefined {
    return this.#server;
  }

  /**
   * Resolves at the first connection, or at `close`.
   * @throws AuthenticationError, NatsConnectionFailedError before the first connection; later it only tries again
   */
  async connect(): Promise<void> {
    if (typeof this.options.tls === 'object' && this.options.tls.rejectUnauthorized === false) {
      this.port.logger.warn('NATS: connection.tls.rejectUnauthorized is false: anybody can pose as the server');
    }
    for (let attempt = 0; !this.#closing; attempt++) {
      this.#enter('connecting', this.#status.error);
      try {
        return await this.#opened(await connect(this.#clientOptions()));
      } catch (thrown) {
        const error = connectionError(thrown, this.redactor);
        this.#enter('disconnected', error);
        if (!this.#wasUp && !isTransient(error)) throw error;
        if (attempt === 0) this.port.logger.warn('NATS cannot be reached; trying again', { error });
        await this.#pause.ms(this.#delay(attempt, error));
      }
    }
  }

  /** Idempotent. What was published before is with the server when it resolves, if there is one. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#pause.end();
    const connection = this.#connection;
    if (connection !== undefined) {
      await Promise.race([connection.flush().catch((error: unknown) => this.#note(error)), this.#pause.last(1_000)]);
      await connection.close();
      await connection.closed();
    }
    this.#pause.close();
    this.#enter('closed', undefined);
  }

  async #opened(connection: NatsConnection): Promise<void> {
    if (this.#closing) return connection.close();
    this.#connection = connection;
    this.#server = connection.info;
    this.#wasUp = true;
    this.#handle = this.port.handles.open('connection', `nats ${connection.getServer()}`);
    void this.#watch(connection);
    void connection.closed().then((error) => this.#closed(connection, error ?? undefined));
    this.#enter('connected', undefined);
    this.port.onUp(connection);
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'error') this.#told(status.error);
      if (status.type === 'update') this.#known = [...new Set([...this.#known, ...(status.added ?? [])])];
    }
  }

  #told(error: Error): void {
    if (error instanceof errors.PermissionViolationError) return this.port.onPermissionViolation(error);
    this.port.logger.warn('NATS server error', { error: this.redactor.error(error) });
  }

  #closed(connection: NatsConnection, thrown: Error | undefined): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#handle?.closed();
    const error = thrown === undefined ? new NotConnectedError(NATS) : connectionError(thrown, this.redactor);
    if (!this.#closing) {
      this.port.logger.warn('NATS connection lost; connecting again', { error });
      this.#enter('disconnected', error);
    }
    this.port.onDown(error);
    if (!this.#closing) void this.connect();
  }

  #enter(state: ConnectionState, error: Error | undefined): void {
    const isSame = state === this.#status.state || (isAway(state) && isAway(this.#status.state));
    const since = isSame ? this.#status.since : monotonicNow();
    this.#status = { state, since, error };
    this.port.onStatus(this.#status);
  }

  #delay(attempt: number, error: EventBusError): number {
    const { reconnectDelayMs: first, maxReconnectDelayMs: most } = { ...DEFAULT_NATS_CONNECTION, ...this.options };
    if (error instanceof AuthenticationError) return most;
    return Math.min(first * 2 ** Math.min(attempt, 16), most) * (0.8 + Math.random() * 0.4);
  }

  #note(error: unknown): void {
    this.port.logger.debug('NATS: the last flush failed', { error: this.redactor.error(error) });
  }

  #clientOptions(): NodeConnectionOptions {
    const { tls, name, inboxPrefix, connectTimeoutMs, pingIntervalMs } = {
      ...DEFAULT_NATS_CONNECTION,
      ...this.options,
    };
    return {
      servers: this.#known,
      name: name ?? this.port.name,
      reconnect: false,
      noAsyncTraces: true,
      timeout: connectTimeoutMs,
      pingInterval: pingIntervalMs,
      inboxPrefix,
      ...credentialsOf(this.options),
      ...(tls === undefined ? {} : { tls: tls === true ? {} : tls === false ? null : { ...tls } }),
    };
  }
}

/** One absence, however often it is tried again meanwhile. */
function isAway(state: ConnectionState): boolean {
  return state === 'connecting' || state === 'disconnected';
}
