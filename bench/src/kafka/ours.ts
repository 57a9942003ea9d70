import type { Type } from '@nestjs/common';
import type { EventBusOptions } from 'nestjs-eventbus';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import type { Enough } from '../measure/pace.js';
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
import { kafkaClient, PARTITIONS, uncommitted, withAdmin } from './client.js';
import { prepareKafka, removeKafka } from './raw-pair.js';
import { publishing as published } from './raw-publish.js';

export function options({ servers, id }: Setting): EventBusOptions {
  return { transport: kafkaTransport({ connection: { brokers: servers.kafka ?? [] }, policy: 'none' }), group: id };
}

type Publish = (bus: Awaited<ReturnType<typeof openBus>>['bus'], topic: string, enough: Enough) => Promise<Sent>;

/** As the raw ones. The topic's partitions are known before the clock starts, as a raw producer's are. */
function publishing(setting: Setting, publish: Publish, providers: readonly Type[] = []): Promise<Repetition> {
  return published(setting, async (_kafka, topic, clock) => {
    const { bus, close } = await openBus({ ...options(setting), consume: false }, providers);
    const sent = await publish(bus, topic, clock.start());
    clock.stop();
    await close();
    return sent;
  });
}

/** As the raw ones: a fresh group, the clock from its first event to its last; what is committed is asked of the broker afterwards. */
async function consuming(
  setting: Setting,
  handler: (topic: string, oracle: MeteredOracle) => Type,
): Promise<Repetition> {
  const { servers, backlog: topic, scale } = setting;
  const oracle = new MeteredOracle(scale.backlog, new Meter(servers.brokerPid));
  const { close } = await openBus(options(setting), [handler(topic, oracle)]);
  await oracle.untilAll();
  oracle.meter.stop();
  await close();
  return oracle.meter.repetition(scale.backlog, await faultsOf(setting, topic, oracle, scale.backlog));
}

async function faultsOf(
  { servers, id }: Setting,
  topic: string,
  oracle: MeteredOracle,
  events: number,
): Promise<string[]> {
  const kafka = kafkaClient(servers);
  const faults = [...oracle.faults(events), ...(await uncommitted(kafka, topic, id))];
  await withAdmin(kafka, (admin) => admin.deleteGroups([id])).catch(() => undefined);
  return faults;
}

/** A topic of its own with as many events as take a second or two. */
async function slowHandlers(setting: Setting): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  const events = setting.scale.slowEvents;
  await prepareKafka(setting, topic);
  const filling = await openBus({ ...options(setting), consume: false });
  await publishInBatches(filling.bus, topic, { most: events });
  await filling.close();
  const oracle = new MeteredOracle(events, new Meter(setting.servers.brokerPid));
  const { handle, times } = slow(oracle, 10);
  const { close } = await openBus(options(setting), [decoratedHandler(topic, handle)]);
  await oracle.untilAll();
  oracle.meter.stop();
  await close();
  const faults = await faultsOf(setting, topic, oracle, events);
  await removeKafka(setting, topic);
  return oracle.meter.repetition(events, faults, { extra: times.extra(oracle, 256) });
}

const PARTS: PairParts = {
  prepare: prepareKafka,
  remove: removeKafka,
  consume: async (setting, topic, take) => {
    const handler = decoratedHandler(topic, (data, event) => take(data, event.key));
    const open = await openBus(options(setting), [handler]);
    await untilSources(open, PARTITIONS);
    return open.close;
  },
  open: async (setting, topic) => senderOf(await openBus({ ...options(setting), consume: false }), topic),
};

/** Subscribed, connected, and nothing to do. */
async function idle(setting: Setting): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  await prepareKafka(setting, topic);
  const open = await openBus(options(setting), [decoratedHandler(topic, () => undefined)]);
  const repetition = await idling(open, { topic, sources: PARTITIONS, brokerPid: setting.servers.brokerPid });
  await removeKafka(setting, topic);
  return repetition;
}

const by = 'ours';

export const OURS: readonly Configuration[] = [
  {
    id: 'kafka/publish/ours-many',
    title: 'publishMany',
    by,
    quick: true,
    run: (setting) => publishing(setting, (bus, topic, enough) => publishInBatches(bus, topic, { enough })),
  },
  {
    id: 'kafka/publish/ours-enqueue',
    title: 'enqueue and @OnPublishResults',
    by,
    run: (setting) => {
      const outcomes = new Outcomes();
      const publish: Publish = (bus, topic, enough) => enqueueAll(bus, topic, enough, outcomes);
      return publishing(setting, publish, [resultCounter(outcomes)]);
    },
  },
  {
    id: 'kafka/publish-1k/ours-many',
    title: 'publishMany, 1 KiB',
    by,
    run: (setting) =>
      publishing(setting, (bus, topic, enough) => publishInBatches(bus, topic, { enough, bytes: 1_024 })),
  },
  {
    id: 'kafka/publish/ours-awaited',
    title: 'publish, 1,000 callers',
    by,
    run: (setting) => publishing(setting, publishAwaited),
  },
  {
    id: 'kafka/consume/ours-bare',
    title: 'keyed handler, bare',
    by,
    run: (setting) => consuming(setting, (topic, oracle) => bareHandler(topic, noOp(oracle))),
  },
  {
    id: 'kafka/consume/ours-decorated',
    title: 'keyed handler, @Payload and @Ctx',
    by,
    quick: true,
    run: (setting) => consuming(setting, (topic, oracle) => decoratedHandler(topic, noOp(oracle))),
  },
  {
    id: 'kafka/consume/ours-async',
    title: 'keyed async handler, @Payload and @Ctx',
    by,
    run: (setting) => consuming(setting, (topic, oracle) => decoratedHandler(topic, asyncNoOp(oracle))),
  },
  {
    id: 'kafka/consume-1k/ours-decorated',
    title: 'keyed handler, @Payload and @Ctx, 1 KiB',
    by,
    backlog: '1 KiB',
    run: (setting) => consuming(setting, (topic, oracle) => decoratedHandler(topic, noOp(oracle))),
  },
  {
    id: 'kafka/slow/ours',
    title: '10 ms handler, 1,000 keys, 256 workers',
    by,
    run: slowHandlers,
  },
  { id: 'kafka/idle/ours', title: 'connected, subscribed, nothing to do', by, run: idle },
  throughputPair({ id: 'kafka/pair/ours', title: 'publishMany and a handler', by }, PARTS),
  latencyPair({ id: 'kafka/latency/ours', title: 'publish and a handler', by }, PARTS),
];
