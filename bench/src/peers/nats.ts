import { AckPolicy } from '@nats-io/jetstream';
import type { Repetition, Setting } from '../measure/configuration.js';
import { type EventData, idOf, idPrefix, JSON_TYPE, SOURCE, timeNow } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import { Oracle } from '../measure/oracle.js';
import { pace } from '../measure/pace.js';
import { BareAckPool } from '../nats/ack-pool.js';
import { addStream, MAX_ACK_PENDING, natsClient, type NatsClient, untilSettled } from '../nats/client.js';
import type { PairParts } from '../process/pair.js';
import type { Peer, PeerTask } from './contract.js';
import { type EventOf, publishAll, senderOf } from './publishing.js';
import { type HandlerOf, noOp } from './handlers.js';

/** A peer that has handled nothing for as long has lost the rest. */
const STALL_MS = 10_000;

/** Loaded when it is measured: its packages may not be there otherwise. */
export type LoadPeer = () => Promise<Peer>;

/** As the others: from the first publish to the last confirm; with a peer that tells of none, until the stream holds what was sent. */
export async function publishing(load: LoadPeer, setting: Setting): Promise<Repetition> {
  const peer = await load();
  const task = taskOf(setting, `bench.${setting.id}`);
  const client = await natsClient(setting.servers.nats);
  await prepare(peer, task, client);
  const publisher = await peer.open(task);
  const meter = new Meter(setting.servers.brokerPid);
  meter.start();
  const sent = await publishAll(publisher, eventOf(task.topic), { enough: pace(setting.scale, 0.25) });
  const { stream } = peer.place(task);
  await untilStored(client, stream, sent);
  meter.stop();
  await publisher.close();
  const faults = await storedFaults(client, stream, sent);
  await remove(task, client);
  return meter.repetition(sent, faults);
}

/** As the others, but from a stream of its own: from the first event until the server has every acknowledgement. */
export async function consuming(
  load: LoadPeer,
  setting: Setting,
  events: number,
  handler: HandlerOf = noOp,
): Promise<Repetition> {
  const peer = await load();
  const task = taskOf(setting, `bench.${setting.id}`);
  const client = await natsClient(setting.servers.nats);
  await prepare(peer, task, client);
  const { stream, subject } = peer.place(task);
  await fill(client, subject, events);
  const oracle = new MeteredOracle(events, new Meter(setting.servers.brokerPid));
  const stop = await peer.consume(task, handler(oracle));
  await oracle.untilAll(STALL_MS).catch(() => undefined); // what is missing is among the faults below
  await untilSettled(client, task.topic, stream);
  oracle.meter.stop();
  await stop();
  await remove(task, client);
  return oracle.meter.repetition(events, oracle.faults(events));
}

export function pairOf(load: LoadPeer): PairParts {
  return {
    prepare: async (setting, topic) => {
      const client = await natsClient(setting.servers.nats);
      await prepare(await load(), taskOf(setting, topic), client);
      await client.connection.close();
    },
    consume: async (setting, topic, take) => (await load()).consume(taskOf(setting, topic), take),
    open: async (setting, topic) => senderOf(await (await load()).open(taskOf(setting, topic)), eventOf(topic)),
    remove: async (setting, topic) => remove(taskOf(setting, topic), await natsClient(setting.servers.nats)),
  };
}

function taskOf({ servers, id }: Setting, topic: string): PeerTask {
  return {
    servers: servers.nats === undefined ? [] : [servers.nats],
    topic,
    group: id,
    maxAckPending: MAX_ACK_PENDING,
  };
}

/** `Nats-Msg-Id` is the peer's affair; the rest is what the library writes. */
function eventOf(topic: string): EventOf {
  const prefix = idPrefix();
  return (data) => {
    const id = idOf(prefix, data.n);
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': SOURCE,
      'ce-type': topic,
      'ce-time': timeNow(),
      'ce-datacontenttype': JSON_TYPE,
      'ce-partitionkey': data.key,
    };
    return { id, data, headers };
  };
}

async function prepare(peer: Peer, task: PeerTask, client: NatsClient): Promise<void> {
  if (peer.prepare !== undefined) await peer.prepare(task);
  else await addStream(client, task.topic);
}

/** Whatever streams it has made. */
async function remove({ topic, group }: PeerTask, { manager, connection }: NatsClient): Promise<void> {
  const names: string[] = [];
  for await (const { config } of manager.streams.list())
    if (config.subjects?.some((subject) => subject === topic || subject.startsWith(group))) names.push(config.name);
  for (const name of names) await manager.streams.delete(name);
  await connection.close();
}

async function fill({ connection }: NatsClient, subject: string, events: number): Promise<void> {
  const pool = new BareAckPool(connection, subject);
  while (pool.sent < events) await pool.fill(events - pool.sent);
  await pool.drain();
  if (pool.confirmed !== events) throw new Error(`${pool.confirmed} of ${events} events were stored`);
}

/** Reads back what was stored: by a consumer of its own, since a stream that is a work queue has room for one only. */
async function storedFaults({ manager, js }: NatsClient, stream: string, sent: number): Promise<string[]> {
  const { state } = await manager.streams.info(stream);
  if (state.messages !== sent) return [`the stream holds ${state.messages} events, ${sent} were sent`];
  for await (const { name } of manager.consumers.list(stream)) await manager.consumers.delete(stream, name);
  await manager.consumers.add(stream, {
    durable_name: 'read-back',
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: -1,
  });
  const oracle = new Oracle(sent);
  const consumer = await js.consumers.get(stream, 'read-back');
  const messages = await consumer.consume({
    max_messages: 5_000,
    callback: (message) => {
      const data = message.json<EventData>();
      oracle.take(data, data.key);
      message.ack();
    },
  });
  await oracle.untilAll();
  await messages.close();
  return oracle.faults(sent);
}

/** What is not there after a while is missing when it is read back. */
async function untilStored({ manager }: NatsClient, stream: string, sent: number): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end;)
    if ((await manager.streams.info(stream)).state.messages >= sent) return;
}
