import {
  type ConsumerInfo,
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  JetStreamApiError,
} from '@nats-io/jetstream';
import { connect, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { type BrokerControls, startNats } from '../../brokers/index.js';
import { FaultProxy } from '../../faults/index.js';
import type { BrokerOrders } from '../instance/orders.js';
import type { FinalView } from '../oracle/oracle.js';
import { eventOf, monotonicMs, type SettledRecord, type StoredEvent } from '../records.js';
import { type ChaosBroker, INSTANCE_SLOTS, type Lease, type RunNames } from './broker.js';

const ACK_WAIT_MS = 2_000;
const MEMBER_TTL_MS = 4_000;
const MAX_ACK_PENDING = 20_000;
/** That instances share. */
const PARTITIONS = 8;
const READ_BATCH = 10_000;
/** What is not in a partition. */
const UNPARTITIONED = '-';

/** Where a nats-server of others is. */
export interface SharedNats {
  readonly url: string;
  readonly version: string;
}

interface Parts {
  readonly version: string;
  readonly names: RunNames;
  readonly direct: string;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly controls?: BrokerControls;
  readonly proxies?: readonly FaultProxy[];
}

/** A nats-server in a run. */
export class ChaosNats implements ChaosBroker {
  readonly transport = 'nats';
  readonly version: string;
  readonly controls: BrokerControls | undefined;
  readonly proxies: readonly FaultProxy[];
  readonly lease: Lease = {
    expiresMs: MEMBER_TTL_MS,
    duplicatesPerCause: PARTITIONS * MAX_ACK_PENDING,
  };
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    const { version, controls, proxies = [] } = parts;
    this.version = version;
    this.controls = controls;
    this.proxies = proxies;
    this.#parts = parts;
  }

  /** One that others use too: its instances come directly. */
  static async shared({ url, version }: SharedNats, names: RunNames): Promise<ChaosNats> {
    return new ChaosNats({ version, names, direct: url, ...(await connected(url)) });
  }

  /** One of our own, to which each instance comes through a proxy. @throws BrokerUnavailableError, BrokerStartError */
  static async start(names: RunNames): Promise<ChaosNats> {
    const controls = await startNats();
    const proxies: FaultProxy[] = [];
    for (let slot = 0; slot <= INSTANCE_SLOTS; slot += 1) {
      proxies.push(await FaultProxy.open({ target: controls.port }));
    }
    const direct = controls.url;
    return new ChaosNats({ version: controls.version, names, direct, controls, proxies, ...(await connected(direct)) });
  }

  orders(slot: number): BrokerOrders {
    const { names, direct } = this.#parts;
    return {
      kind: 'nats',
      servers: this.proxies[slot]?.url ?? direct,
      stream: names.stream,
      ackWaitMs: ACK_WAIT_MS,
      memberTtlMs: MEMBER_TTL_MS,
      partitions: PARTITIONS,
    };
  }

  publisherOrders(): BrokerOrders {
    return this.orders(INSTANCE_SLOTS);
  }

  async look(): Promise<SettledRecord[]> {
    const consumers = await this.#consumers();
    const atMs = monotonicMs();
    return consumers.map((consumer) => ({
      kind: 'settled',
      source: sourceOf(consumer.name.split('@')[1]),
      before: consumer.ack_floor.stream_seq + 1,
      inFlight: consumer.num_ack_pending,
      atMs,
    }));
  }

  async unsettled(): Promise<number> {
    const consumers = await this.#consumers();
    return consumers.reduce((sum, { num_ack_pending, num_pending }) => sum + num_ack_pending + num_pending, 0);
  }

  async finalView(): Promise<FinalView> {
    const { names } = this.#parts;
    const stored: StoredEvent[] = [];
    await this.#read(names.stream, undefined, (subject, sequence, headers) =>
      stored.push({
        ...eventOf(headers?.get('ce-id') ?? ''),
        source: sourceOf(/^(\d+)\./.exec(subject)?.[1]),
        order: sequence,
        position: String(sequence),
      }),
    );
    const deadLetters = new Set<string>();
    const dead = `dead.${names.group}.${names.topic}`;
    await this.#read('DEAD_LETTERS', dead, (_, __, headers) => deadLetters.add(headers?.get('eb-dead-event-id') ?? ''));
    return { stored, deadLetters, unsettled: await this.unsettled() };
  }

  async close(): Promise<void> {
    await this.#parts.connection.close();
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    const { controls } = this;
    if (controls !== undefined) await controls.remove();
  }

  async #consumers(): Promise<ConsumerInfo[]> {
    const { manager, names } = this.#parts;
    const found: ConsumerInfo[] = [];
    for await (const consumer of manager.consumers.list(names.stream)) {
      if (consumer.name.split('@')[0] === names.group) found.push(consumer);
    }
    return found;
  }

  /** Everything up to the present end of the subject's messages. */
  async #read(
    stream: string,
    subject: string | undefined,
    take: (subject: string, sequence: number, headers: MsgHdrs | undefined) => void,
  ): Promise<void> {
    const { manager, connection } = this.#parts;
    try {
      await manager.streams.info(stream);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === 10_059) return;
      throw error;
    }
    const filter = subject === undefined ? {} : { filter_subjects: [subject] };
    const consumer = await jetstream(connection).consumers.get(stream, { headers_only: true, ...filter });
    for (;;) {
      const { num_pending: left } = await consumer.info();
      if (left === 0) return;
      const messages = await consumer.fetch({ max_messages: Math.min(left, READ_BATCH), expires: 5_000 });
      for await (const message of messages) take(message.subject, message.seq, message.headers);
    }
  }
}

function sourceOf(partition: string | undefined): string {
  return partition ?? UNPARTITIONED;
}

async function connected(url: string): Promise<{ connection: NatsConnection; manager: JetStreamManager }> {
  const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100, timeout: 5_000 });
  return { connection, manager: await jetstreamManager(connection, { timeout: 2_000 }) };
}
