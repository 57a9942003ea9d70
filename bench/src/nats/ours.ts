import type { Type } from '@nestjs/common';
import type { EventBusOptions } from 'nestjs-eventbus';
import { natsTransport } from 'nestjs-eventbus/nats';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import { type Enough, pace } from '../measure/pace.js';
import { bareHandler, decoratedHandler, openBus, untilSources } from '../ours/bus.js';
import { asyncNoOp, noOp, slow } from '../ours/consuming.js';
import { idling } from '../ours/idle.js';
import {
  enqueueAll,
  Outcomes,
  publishAwaited,
  publishInBatches,
  resultCounter,
  type Sent,
} from '../ours/publishing.js';
import { senderOf } from '../ours/sender.js';
import { latencyPair, type PairParts, throughputPair } from '../process/pair.js';
import { addStream, dropConsumers, natsClient, storedFaults, streamOf, untilSettled } from './client.js';
import { prepareNats, removeNats } from './raw-pair.js';

/** The stream is there already: as ours would declare it, but for its age. */
export function options({ servers, id }: Setting, topic: string): EventBusOptions {
  const transport = natsTransport({
    connection: { servers: servers.nats ?? '' },
    streams: [{ name: streamOf(topic), subjects: [topic] }],
    policy: 'none',
  });
  return { transport, group: id };
}

type Publish = (bus: Awaited<ReturnType<typeof openBus>>['bus'], topic: string, enough: Enough) => Promise<Sent>;

/** As the raw ones: a fresh stream, the clock from the first publish to the last confirm, then what was stored is read back. */
async function publishing(setting: Setting, publish: Publish, providers: readonly Type[] = []): Promise<Repetition> {
  const client = await natsClient(setting.servers.nats);
  const topic = `bench.${setting.id}`;
  await addStream(client, topic);
  const { bus, close } = await openBus({ ...options(setting, topic), consume: false }, providers);
  const meter = new Meter(setting.servers.brokerPid);
  meter.start();
  const { sent, confirmed } = await publish(bus, topic, pace(setting.scale));
  meter.stop();
  await close();
  const faults = await storedFaults(client, topic, sent, confirmed);
  await client.manager.streams.delete(streamOf(topic));
  await client.connection.close();
  return meter.repetition(sent, faults);
}

/** As the raw ones: a fresh group, the clock from its first event until the server has every acknowledgement. */
async function consuming(
  setting: Setting,
  handler: (topic: string, oracle: MeteredOracle) => Type,
): Promise<Repetition> {
  const { servers, backlog: topic } = setting;
  const events = setting.scale.backlog;
  const client = await natsClient(servers.nats);
  const oracle = new MeteredOracle(events, new Meter(servers.brokerPid));
  const { close } = await openBus(options(setting, topic), [handler(topic, oracle)]);
  await oracle.untilAll();
  await untilSettled(client, topic);
  oracle.meter.stop();
  await close();
  await dropConsumers(client, topic);
  await client.connection.close();
  return oracle.meter.repetition(events, oracle.faults(events));
}

/** A stream of its own with as many events as take a second or two. */
async function slowHandlers(setting: Setting): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  const events = setting.scale.slowEvents;
  await prepareNats(setting, topic);
  const filling = await openBus({ ...options(setting, topic), consume: false });
  await publishInBatches(filling.bus, topic, { most: events });
  await filling.close();
  const oracle = new MeteredOracle(events, new Meter(setting.servers.brokerPid));
  const client = await natsClient(setting.servers.nats);
  const { handle, times } = slow(oracle, 10);
  const { close } = await openBus(options(setting, topic), [decoratedHandler(topic, handle)]);
  await oracle.untilAll();
  oracle.meter.stop();
  await untilSettled(client, topic);
  await close();
  await client.connection.close();
  await removeNats(setting, topic);
  return oracle.meter.repetition(events, oracle.faults(events), { extra: times.extra(oracle, 256) });
}

const PARTS: PairParts = {
  prepare: prepareNats,
  remove: removeNats,
  consume: async (setting, topic, take) => {
    const handler = decoratedHandler(topic, (data, event) => take(data, event.key));
    const open = await openBus(options(setting, topic), [handler]);
    await untilSources(open, 1);
    return open.close;
  },
  open: async (setting, topic) => senderOf(await openBus({ ...options(setting, topic), consume: false }), topic),
};

/** Subscribed, connected, and nothing to do. */
async function idle(setting: Setting): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  await prepareNats(setting, topic);
  const open = await openBus(options(setting, topic), [decoratedHandler(topic, () => undefined)]);
  const repetition = await idling(open, { topic, sources: 1, brokerPid: setting.servers.brokerPid });
  await removeNats(setting, topic);
  return repetition;
}

const by = 'ours';

export const OURS: readonly Configuration[] = [
  {
    id: 'nats/publish/ours-many',
    title: 'publishMany',
    by,
    quick: true,
    run: (setting) => publishing(setting, (bus, topic, enough) => publishInBatches(bus, topic, { enough })),
  },
  {
    id: 'nats/publish/ours-enqueue',
    title: 'enqueue and @OnPublishResults',
    by,
    run: (setting) => {
      const outcomes = new Outcomes();
      const publish: Publish = (bus, topic, enough) => enqueueAll(bus, topic, enough, outcomes);
      return publishing(setting, publish, [resultCounter(outcomes)]);
    },
  },
  {
    id: 'nats/publish/ours-awaited',
    title: 'publish, 1,000 callers',
    by,
    run: (setting) => publishing(setting, publishAwaited),
  },
  {
    id: 'nats/consume/ours-bare',
    title: 'keyed handler, bare',
    by,
    run: (setting) => consuming(setting, (topic, oracle) => bareHandler(topic, noOp(oracle))),
  },
  {
    id: 'nats/consume/ours-decorated',
    title: 'keyed handler, @Payload and @Ctx',
    by,
    quick: true,
    run: (setting) => consuming(setting, (topic, oracle) => decoratedHandler(topic, noOp(oracle))),
  },
  {
    id: 'nats/consume/ours-async',
    title: 'keyed async handler, @Payload and @Ctx',
    by,
    run: (setting) => consuming(setting, (topic, oracle) => decoratedHandler(topic, asyncNoOp(oracle))),
  },
  {
    id: 'nats/publish-1k/ours-many',
    title: 'publishMany, 1 KiB',
    by,
    run: (setting) =>
      publishing(setting, (bus, topic, enough) => publishInBatches(bus, topic, { enough, bytes: 1_024 })),
  },
  {
    id: 'nats/consume-1k/ours-decorated',
    title: 'keyed handler, @Payload and @Ctx, 1 KiB',
    by,
    backlog: '1 KiB',
    run: (setting) => consuming(setting, (topic, oracle) => decoratedHandler(topic, noOp(oracle))),
  },
  {
    id: 'nats/slow/ours',
    title: '10 ms handler, 1,000 keys, 256 workers',
    by,
    run: slowHandlers,
  },
  { id: 'nats/idle/ours', title: 'connected, subscribed, nothing to do', by, run: idle },
  throughputPair({ id: 'nats/pair/ours', title: 'publishMany and a handler', by }, PARTS),
  latencyPair({ id: 'nats/latency/ours', title: 'publish and a handler', by }, PARTS),
];
