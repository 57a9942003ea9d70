import {
  AckPolicy,
  DeliverPolicy,
  type Consumer,
  type JetStreamClient,
  jetstream,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { EventData } from '../measure/events.js';
import { Oracle } from '../measure/oracle.js';

/** As many deliveries as ours may have out, for everybody. */
export const MAX_ACK_PENDING = 20_000;
/** As many messages as ours asks for at a time. */
export const PULL_BATCH = 2_000;

/** A raw connection with what JetStream adds to it. */
export interface NatsClient {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
}

/**
 * @param traces `none`: requests keep no stack of their caller (`noAsyncTraces`), which spares a `js.publish` a third to a half of its time;
 * `default`: as the client connects unless told otherwise
 */
export async function natsClient(
  servers: string | undefined,
  traces: 'default' | 'none' = 'none',
): Promise<NatsClient> {
  if (servers === undefined) throw new Error('This configuration needs a nats-server.');
  const connection = await connect(traces === 'none' ? { servers, noAsyncTraces: true } : { servers });
  return { connection, js: jetstream(connection), manager: await jetstreamManager(connection) };
}

/** The stream of a run: one replica, files, as the library declares it. */
export async function addStream(
  { manager }: NatsClient,
  topic: string,
  storage: 'file' | 'memory' = 'file',
): Promise<void> {
  await manager.streams.add({ name: streamOf(topic), subjects: [topic], storage, num_replicas: 1 });
}

/** `bench.x1` is kept in `BENCH_X1`. */
export function streamOf(topic: string): string {
  return topic.replaceAll('.', '_').toUpperCase();
}

export async function addConsumer({ manager, js }: NatsClient, topic: string, name: string): Promise<Consumer> {
  await manager.consumers.add(streamOf(topic), {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: MAX_ACK_PENDING,
  });
  return js.consumers.get(streamOf(topic), name);
}

/** Resolves when no consumer of the stream has anything unacknowledged. */
export async function untilSettled({ manager }: NatsClient, topic: string, stream = streamOf(topic)): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    let pending = 0;
    for await (const { num_ack_pending, num_pending } of manager.consumers.list(stream))
      pending += num_ack_pending + num_pending;
    if (pending === 0) return;
  }
  throw new Error('acknowledgements are still missing after 30 s');
}

/** So that the next repetition finds the stream as this one did. */
export async function dropConsumers({ manager }: NatsClient, topic: string): Promise<void> {
  const names: string[] = [];
  for await (const { name } of manager.consumers.list(streamOf(topic))) names.push(name);
  for (const name of names) await manager.consumers.delete(streamOf(topic), name);
}

/** Reads back what was stored, and judges it: as many as were confirmed, each once, in order. */
export async function storedFaults(
  client: NatsClient,
  topic: string,
  sent: number,
  confirmed: number,
): Promise<string[]> {
  const faults = sent === confirmed ? [] : [`${sent} events were sent and ${confirmed} confirmed`];
  const { state } = await client.manager.streams.info(streamOf(topic));
  if (state.messages !== sent) return [...faults, `the stream holds ${state.messages} events, ${sent} were sent`];
  const oracle = new Oracle(sent);
  const consumer = await client.js.consumers.get(streamOf(topic));
  const messages = await consumer.consume({
    max_messages: 5_000,
    callback: (message) => {
      const data = message.json<EventData>();
      oracle.take(data, data.key);
    },
  });
  await oracle.untilAll();
  await messages.close();
  return [...faults, ...oracle.faults(sent)];
}
