import { headers } from '@nats-io/transport-node';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { dataOf, idOf, idPrefix, JSON_TYPE, SOURCE, timeNow } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { type Enough, pace } from '../measure/pace.js';
import { BareAckPool } from './ack-pool.js';
import { addStream, type NatsClient, natsClient, storedFaults, streamOf } from './client.js';

/** How many were sent, and how many of them confirmed. */
export interface Sent {
  readonly sent: number;
  readonly confirmed: number;
}

/** One repetition of publishing: a fresh stream, the clock from the first publish to the last confirm, then what was stored is read back. */
export async function publishing(
  { servers, id, scale }: Setting,
  send: (client: NatsClient, topic: string, enough: Enough) => Promise<Sent>,
  { share = 1, traces = 'none' }: { readonly share?: number; readonly traces?: 'default' | 'none' } = {},
): Promise<Repetition> {
  const client = await natsClient(servers.nats, traces);
  const topic = `bench.${id}`;
  await addStream(client, topic);
  const meter = new Meter(servers.brokerPid);
  meter.start();
  const { sent, confirmed } = await send(client, topic, pace(scale, share));
  meter.stop();
  const faults = await storedFaults(client, topic, sent, confirmed);
  await client.manager.streams.delete(streamOf(topic));
  await client.connection.close();
  return meter.repetition(sent, faults);
}

async function awaited(client: NatsClient, topic: string, enough: Enough): Promise<Sent> {
  const publish = publisher(client, topic);
  let sent = 0;
  for (; !enough(sent); sent++) await publish(sent);
  return { sent, confirmed: sent };
}

async function windowed(client: NatsClient, topic: string, enough: Enough, bytes?: number): Promise<Sent> {
  const window = 1_024;
  const publish = publisher(client, topic, bytes);
  let sent = 0;
  let confirmed = 0;
  const slot = async (): Promise<void> => {
    while (!enough(sent)) {
      await publish(sent++);
      confirmed += 1;
    }
  };
  await Promise.all(Array.from({ length: window }, slot));
  return { sent, confirmed };
}

async function pooled({ connection }: NatsClient, topic: string, enough: Enough, bytes?: number): Promise<Sent> {
  const pool = new BareAckPool(connection, topic);
  while (!enough(pool.sent)) await pool.fill(Infinity, bytes);
  await pool.drain();
  return pool;
}

/** `js.publish`, with the headers that the library writes. */
function publisher({ js }: NatsClient, topic: string, bytes = 100): (n: number) => Promise<unknown> {
  const prefix = idPrefix();
  return (n) => {
    const data = dataOf(n, { bytes });
    const id = idOf(prefix, n);
    const head = headers();
    head.set('ce-specversion', '1.0');
    head.set('ce-id', id);
    head.set('ce-source', SOURCE);
    head.set('ce-type', topic);
    head.set('ce-time', timeNow());
    head.set('ce-datacontenttype', JSON_TYPE);
    head.set('ce-partitionkey', data.key);
    return js.publish(topic, JSON.stringify(data), { headers: head, msgID: id, timeout: 30_000 });
  };
}

export const RAW_PUBLISH: readonly Configuration[] = [
  {
    id: 'nats/publish/raw-awaited',
    title: 'js.publish, each awaited',
    by: 'raw',
    run: (setting) => publishing(setting, awaited, { share: 0, traces: 'default' }),
  },
  {
    id: 'nats/publish/raw-window',
    title: 'js.publish, 1,024 at a time',
    by: 'raw',
    quick: true,
    run: (setting) => publishing(setting, windowed, { share: 0.25, traces: 'default' }),
  },
  {
    id: 'nats/publish/raw-window-untraced',
    title: 'js.publish, 1,024 at a time, noAsyncTraces',
    by: 'raw',
    run: (setting) => publishing(setting, windowed, { share: 0.25 }),
  },
  {
    id: 'nats/publish/raw-pool',
    title: 'bare ACK pool, by hand',
    by: 'raw',
    quick: true,
    note: 'no time-outs, no results, no order after a failure',
    run: (setting) => publishing(setting, pooled),
  },
  {
    id: 'nats/publish-1k/raw-window',
    title: 'js.publish, 1,024 at a time, 1 KiB',
    by: 'raw',
    run: (setting) => publishing(setting, (...given) => windowed(...given, 1_024), { share: 0.25, traces: 'default' }),
  },
  {
    id: 'nats/publish-1k/raw-pool',
    title: 'bare ACK pool, by hand, 1 KiB',
    by: 'raw',
    note: 'no time-outs, no results, no order after a failure',
    run: (setting) => publishing(setting, (...given) => pooled(...given, 1_024), { share: 0.5 }),
  },
];
