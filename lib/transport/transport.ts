import type { HandleRegister } from '../core/handle-register.js';
import type { BusLogger } from '../core/logger.js';
import type { OutgoingMessage, Position, ReceivedMessage } from './message.js';

export type ConnectionState = 'connecting' | 'connected' | 'disconnected' | 'closed';

/** The connection to the broker, as health shows it: always live, never asked for. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** Monotonic milliseconds since when it has been so; an absence counts as one, however often it is tried again meanwhile. */
  readonly since: number;
  /** Why it is not connected, without secrets. */
  readonly error?: Error | undefined;
}

/**
 * How much a transport may still ask the broker for, per source. The bus grants it, settling returns it; asking for more than
 * the credit is a defect. The getters are live; what was asked for and has not arrived yet is the transport's to subtract.
 * `deliver` always takes what was asked for: that is the whole of the backpressure.
 */
export interface Credit {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Where deliveries come from, in order: one period in which this process owns a Kafka partition or a JetStream consumer.
 * A source that was lost or given up never comes back: owning it again is a new Source.
 */
export interface Source {
  /** For logs and health: `billing/orders.placed[2]`. Unique in the bus at any moment. */
  readonly name: string;
  readonly group: string;
  /** Kafka only: the partition's number. */
  readonly partition?: number | undefined;
  /** The least a fetch may bring, in bytes: its credit never has a bound below that. */
  readonly fetchBytes: number;
  /**
   * Asked before every handler start. `held`: this process owns it. `unsure`: the lease has run out and nothing has renewed it yet;
   * nothing starts until it is held again. `lost`: it is gone; what is queued of it never starts.
   */
  lease(): 'held' | 'unsure' | 'lost';
  /** Credit came back; the transport may ask for more. Called often: must be cheap, must not deliver synchronously. */
  replenished(): void;
  /** As health shows it: how far behind, where the broker tells. */
  readonly progress: SourceProgress;
}

export interface SourceProgress {
  /** Messages the broker has beyond what was delivered; undefined where it is not known. */
  readonly lag: number | undefined;
  /** Monotonic milliseconds of the last delivery or settle; undefined before the first. */
  readonly lastProgressAt: number | undefined;
  /** Why nothing more is asked for although there is credit, in words: a bound of the transport's own. Undefined when that is not so. */
  readonly heldBy?: string | undefined;
}

/** One message in this process's hands, to be settled once. */
export interface Delivery {
  readonly source: Source;
  readonly message: ReceivedMessage;
  readonly position: Position;
  /** Whether the broker has delivered it before; undefined = it does not say. */
  readonly redelivered: boolean | undefined;
  /** What it pins in memory. */
  readonly sizeBytes: number;
}

/** What a group consumes. One per group; the bus merges the patterns of its handlers. */
export interface Subscription {
  readonly group: string;
  /** Application topics, without prefix; may have wildcards. */
  readonly patterns: readonly string[];
  /** Where a group that the broker does not know yet begins. */
  readonly startFrom: 'earliest' | 'latest' | Date;
  readonly delivery: 'at-least-once' | 'at-most-once';
  /** `key`: it has keyed handlers, so a source must have one owner at a time. */
  readonly ordering: 'key' | 'none';
}

/** What a transport calls as a consumer. Implemented by the bus. */
export interface ConsumerPort {
  /** A source is owned from now on. Its credit is valid until it is lost or given up. */
  assigned(source: Source): Credit;
  /**
   * In the broker's order, per source. Always takes. Must not be called from within `replenished`. `settle` may be called before it
   * returns: a synchronous handler may run within.
   */
  deliver(delivery: Delivery): void;
  /**
   * The source is to be given up. Nothing more of it starts (but what was settled before its handler: at-most-once); resolves when what runs has ended (settled or not) or the drain
   * deadline has passed. The transport settles, then gives it up, and calls `lost` afterwards.
   */
  revoking(source: Source): Promise<void>;
  /** It is gone: what is queued of it is dropped unrun, running handlers see their signal raised. Idempotent. */
  lost(source: Source): void;
}

/** What a transport calls as a publisher. Implemented by the ACK pool. May be called synchronously from within `publish`. */
export interface PublisherPort {
  /** The broker has it. `duplicate`: it had it already, under this id. */
  confirmed(slot: number, position: Position, duplicate: boolean): void;
  /**
   * - `unsent`: certainly not stored and worth sending again (not connected; behind a failed flush of its partition)
   * - `unknown`: cut off or timed out; may be stored; worth sending again with the same id
   * - `rejected`: certainly not stored, and sending it again will not help
   */
  failed(slot: number, how: 'unsent' | 'unknown' | 'rejected', error: Error): void;
}

/** What a transport is given at its creation. */
export interface TransportContext {
  readonly bus: string;
  /** Put before every name on the wire (topics, groups, streams); empty when there is none. */
  readonly topicPrefix: string;
  /** How long `stopFetching`, drains at a rebalance and other waits may take, in milliseconds. */
  readonly rebalanceDrainMs: number;
  readonly consumer: ConsumerPort;
  readonly publisher: PublisherPort;
  readonly handles: HandleRegister;
  readonly logger: BusLogger;
  /** To be called at every change of the connection. */
  onStatus(status: ConnectionStatus): void;
}

/**
 * Implement it to teach the bus a broker. Deliver messages in broker order within the credit, keep the connection alive, keep the lease
 * on every delivery until it is settled (whatever its age: queued, backing off or running), settle what you are told to, confirm what
 * the broker confirmed. Decoding, routing, concurrency, retries, dead letters, deadlines and order after a failed publish are the bus's job, not yours.
 */
export interface Transport {
  readonly name: string;
  readonly status: ConnectionStatus;
  /** Largest body plus headers the broker takes, in bytes; undefined while not known. */
  readonly maxMessageBytes: number | undefined;
  /** How attribute headers are spelt on this broker (CloudEvents bindings): `ce_id` on Kafka, `ce-id` elsewhere. */
  readonly headerPrefix: 'ce_' | 'ce-';
  /** Whether what is published survives a restart of this process. */
  readonly durable: boolean;

  /**
   * Starts to connect, and goes on trying by itself. Resolves at the first connection; never rejects for a broker that is merely away.
   * @throws AuthenticationError, TopologyError and the like for what trying again cannot mend
   */
  connect(): Promise<void>;
  /** Creates or checks what was declared, by policy. Called once after `connect`, with what is going to be consumed. */
  prepare(subscriptions: readonly Subscription[]): Promise<void>;
  /** Starts to consume: sources are assigned, then delivered. Called at most once. */
  consume(subscriptions: readonly Subscription[]): Promise<void>;
  /** Stops asking for more of a group, or of all. What was delivered stays in hand. Idempotent. */
  pause(group: string | undefined): void;
  resume(group: string | undefined): void;

  /** The delivery is done for good. Synchronous; the transport coalesces acks or commits. A source that was lost meanwhile: no effect. */
  settle(delivery: Delivery): void;
  /** At-most-once: settles these, and resolves when the broker has answered; rejects when it has not, and then nothing of the batch is run. */
  settleBefore(deliveries: readonly Delivery[]): Promise<void>;

  /** First step of shutdown: asks the broker for nothing more; resolves when nothing more will be delivered. */
  stopFetching(): Promise<void>;
  /** Second: everything settled so far is with the broker, and sources are given up (drained members leave their group). */
  closeConsumers(): Promise<void>;

  /** Sends; answers through the PublisherPort with the same slot, exactly once. Never throws. Messages of one key reach the broker in call order. */
  publish(message: OutgoingMessage, slot: number): void;
  /** Last: closes every connection and timer. Unanswered publishes are answered `unknown`. Idempotent. */
  close(): Promise<void>;

  /** Anything transport-specific that health shows: a stream's fill, the broker's version. No secrets. */
  details(): Readonly<Record<string, unknown>>;
  /** The underlying client, for Nest's `unwrap`. */
  unwrap(): unknown;
}

/** What `natsTransport(options)`, `kafkaTransport(options)` and `memoryTransport()` return: options, checked when the bus starts. */
export interface TransportFactory {
  readonly name: string;
  readonly durable: boolean;
  /** Faults of its options, each `path must …, got …`; empty when there is none. */
  validate(): readonly string[];
  create(context: TransportContext): Transport;
}
