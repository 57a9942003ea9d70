import type { JsMsg } from '@nats-io/jetstream';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import type { EventData } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import type { Oracle } from '../measure/oracle.js';
import { addConsumer, dropConsumers, type NatsClient, natsClient, PULL_BATCH, untilSettled } from './client.js';

/** A reader of the backlog: starts, and returns how to stop it. */
export type Consume = (client: NatsClient, setting: Setting, oracle: Oracle) => Promise<() => Promise<void>>;

/** One repetition of consuming: a fresh consumer, the clock from its first event until the server has every acknowledgement. */
export async function consuming(setting: Setting, consume: Consume): Promise<Repetition> {
  const { servers, scale, backlog } = setting;
  const client = await natsClient(servers.nats);
  const oracle = new MeteredOracle(scale.backlog, new Meter(servers.brokerPid));
  const stop = await consume(client, setting, oracle);
  await oracle.untilAll();
  await untilSettled(client, backlog);
  oracle.meter.stop();
  await stop();
  await dropConsumers(client, backlog);
  await client.connection.close();
  return oracle.meter.repetition(scale.backlog, oracle.faults(scale.backlog));
}

/** What a careful reader does with a message: its id, type and key from the headers, its body as JSON. */
function read(message: JsMsg, oracle: Oracle): void {
  const { headers } = message;
  const id = headers?.get('ce-id');
  const type = headers?.get('ce-type');
  if (id === undefined || type === undefined) throw new Error('a message without metadata');
  oracle.take(message.json<EventData>(), headers?.get('ce-partitionkey'));
}

const forAwait: Consume = async (client, { backlog, id }, oracle) => {
  const consumer = await addConsumer(client, backlog, id);
  const messages = await consumer.consume({ max_messages: PULL_BATCH });
  const reading = (async () => {
    for await (const message of messages) {
      read(message, oracle);
      message.ack();
    }
  })();
  return async () => {
    await messages.close();
    await reading;
  };
};

const callback: Consume = async (client, { backlog, id }, oracle) => {
  const consumer = await addConsumer(client, backlog, id);
  const messages = await consumer.consume({
    max_messages: PULL_BATCH,
    callback: (message) => {
      read(message, oracle);
      message.ack();
    },
  });
  return async () => {
    await messages.close();
  };
};

export const RAW_CONSUME: readonly Configuration[] = [
  {
    id: 'nats/consume/raw-for-await',
    title: 'for await, each acknowledged',
    by: 'raw',
    quick: true,
    run: (setting) => consuming(setting, forAwait),
  },
  {
    id: 'nats/consume/raw-callback',
    title: 'callback, each acknowledged',
    by: 'raw',
    quick: true,
    run: (setting) => consuming(setting, callback),
  },
  {
    id: 'nats/consume-1k/raw-for-await',
    title: 'for await, each acknowledged, 1 KiB',
    by: 'raw',
    backlog: '1 KiB',
    run: (setting) => consuming(setting, forAwait),
  },
  {
    id: 'nats/consume-1k/raw-callback',
    title: 'callback, each acknowledged, 1 KiB',
    by: 'raw',
    backlog: '1 KiB',
    run: (setting) => consuming(setting, callback),
  },
];
