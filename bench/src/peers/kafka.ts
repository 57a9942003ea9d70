import { withAdmin, kafkaClient, kafkaHeaders, messageOf, uncommitted } from '../kafka/client.js';
import { consuming as consumed } from '../kafka/raw-consume.js';
import { prepareKafka, removeKafka } from '../kafka/raw-pair.js';
import { publishing as published } from '../kafka/raw-publish.js';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { dataFrom, idOf, idPrefix } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import { type PairParts, throughputPair } from '../process/pair.js';
import type { Peer, PeerTask } from './contract.js';
import { noOp, SERIAL_EVENTS, slow } from './handlers.js';
import { nestKafka } from './nest.js';
import { type EventOf, publishAll, senderOf } from './publishing.js';

const EACH = nestKafka('each');
const BATCH = nestKafka('batch');

/** As the others: a fresh topic, from the first publish to the last confirm. */
function publishing(peer: Peer, setting: Setting): Promise<Repetition> {
  return published(setting, async (_kafka, topic, clock) => {
    const publisher = await peer.open(taskOf(setting, topic));
    const sent = await publishAll(publisher, eventOf(topic), { enough: clock.start(0.1) });
    clock.stop();
    await publisher.close();
    return { sent, confirmed: sent };
  });
}

/** As the others: a fresh group on the events that wait. */
function consuming(peer: Peer, setting: Setting): Promise<Repetition> {
  return consumed(setting, (_kafka, { backlog }, oracle) => peer.consume(taskOf(setting, backlog), noOp(oracle)));
}

/** A topic of its own with as many events as take a few seconds. */
async function slowHandlers(peer: Peer, setting: Setting): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  await prepareKafka(setting, topic);
  await fill(setting, topic, SERIAL_EVENTS);
  const oracle = new MeteredOracle(SERIAL_EVENTS, new Meter(setting.servers.brokerPid));
  const stop = await peer.consume(taskOf(setting, topic), slow(oracle));
  await oracle.untilAll();
  oracle.meter.stop();
  await stop();
  const kafka = kafkaClient(setting.servers);
  const faults = [...oracle.faults(SERIAL_EVENTS), ...(await uncommitted(kafka, topic, setting.id))];
  await withAdmin(kafka, (admin) => admin.deleteGroups([setting.id])).catch(() => undefined);
  await removeKafka(setting, topic);
  return oracle.meter.repetition(SERIAL_EVENTS, faults);
}

async function fill({ servers }: Setting, topic: string, events: number): Promise<void> {
  const producer = kafkaClient(servers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const prefix = idPrefix();
  const messages = dataFrom(0, events).map((data) =>
    messageOf(data, kafkaHeaders(topic, idOf(prefix, data.n), data.key)),
  );
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
}

const PARTS: PairParts = {
  prepare: prepareKafka,
  remove: removeKafka,
  consume: (setting, topic, take) => BATCH.consume(taskOf(setting, topic), take),
  open: async (setting, topic) => senderOf(await BATCH.open(taskOf(setting, topic)), eventOf(topic)),
};

function taskOf({ servers, id }: Setting, topic: string): PeerTask {
  return { servers: servers.kafka ?? [], topic, group: id, maxAckPending: 0 };
}

function eventOf(topic: string): EventOf {
  const prefix = idPrefix();
  return (data) => {
    const id = idOf(prefix, data.n);
    return { id, data, headers: kafkaHeaders(topic, id, data.key) as Record<string, string> };
  };
}

const by = 'peer';
const SERIAL = 'one handler at a time; an event whose handler throws is tried for ever and nothing after it is handled';

export const KAFKA_PEERS: readonly Configuration[] = [
  {
    id: 'kafka/publish/nest-emit',
    title: 'Nest ClientKafka.emit, 1,000 callers',
    by,
    note: 'one request an event; does not keep the order of keys',
    run: (setting) => publishing(EACH, setting),
  },
  {
    id: 'kafka/publish/nest-emit-batch',
    title: 'Nest ClientKafka.emitBatch of 1,000',
    by,
    note: 'the caller makes the batches; the outcome is of the batch',
    run: (setting) => publishing(BATCH, setting),
  },
  {
    id: 'kafka/consume/nest',
    title: 'Nest ServerKafka',
    by,
    note: SERIAL,
    run: (setting) => consuming(EACH, setting),
  },
  {
    id: 'kafka/slow/nest',
    title: 'Nest ServerKafka, 10 ms handler, its defaults',
    by,
    note: SERIAL,
    run: (setting) => slowHandlers(EACH, setting),
  },
  throughputPair(
    { id: 'kafka/pair/nest', title: 'Nest ClientKafka.emitBatch and ServerKafka', by, note: SERIAL },
    PARTS,
  ),
];
