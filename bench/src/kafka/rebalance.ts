import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { dataOf, idOf, idPrefix } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { Oracle } from '../measure/oracle.js';
import type { Take } from '../process/pair.js';
import { decoratedHandler, openBus } from '../ours/bus.js';
import { kafkaClient, kafkaHeaders, messageOf, withAdmin } from './client.js';
import { options } from './ours.js';
import { prepareKafka, removeKafka } from './raw-pair.js';

/** Starts a member of the group with the defaults of its library; it need not have joined when this resolves. @returns how to stop it */
type Start = (setting: Setting, topic: string, take: Take) => Promise<() => Promise<void>>;

const LONGEST_MS = 60_000;
/** For how long nothing has been sent when a member counts as idle. */
const IDLE_MS = 100;

/**
 * A member handles what trickles in; a second one starts, and has its share when it handles its first event; the trickle ends, and the second one,
 * idle now, is closed.
 */
async function rebalancing(
  start: Start,
  setting: Setting,
  judged: 'each once, in order' | 'nothing lost',
): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  await prepareKafka(setting, topic);
  const oracle = new Oracle(LONGEST_MS * 2);
  const handled = [0, 0];
  const member = (number: 0 | 1): ReturnType<Start> =>
    start(setting, topic, (data, key) => {
      handled[number]! += 1;
      oracle.take(data, key);
    });
  const meter = new Meter(setting.servers.brokerPid);
  const trickle = await Trickle.start(setting, topic);
  const closeFirst = await member(0);
  await until(() => handled[0]! > 0, 'the first member handles nothing');
  meter.start();
  const joining = performance.now();
  const closeSecond = await member(1);
  await until(() => handled[1]! > 0, 'the second member handles nothing');
  const joinMs = performance.now() - joining;
  const sent = await trickle.stop();
  meter.stop();
  await until(() => oracle.handled === sent, `not all of ${sent} events were handled`);
  await sleep(IDLE_MS);
  const closing = performance.now();
  await closeSecond();
  const closeMs = performance.now() - closing;
  await closeFirst();
  await withAdmin(kafkaClient(setting.servers), (admin) => admin.deleteGroups([setting.id]));
  await removeKafka(setting, topic);
  const faults = judged === 'each once, in order' ? oracle.faults(sent) : [];
  return meter.repetition(sent, faults, { extra: { joinMs, closeMs, twice: oracle.duplicates } });
}

/** An event a millisecond or so, to all partitions. */
class Trickle {
  #sent = 0;
  #isOn = true;
  readonly #sending: Promise<void>;

  static async start({ servers }: Setting, topic: string): Promise<Trickle> {
    const producer = kafkaClient(servers).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    return new Trickle(producer, topic);
  }

  private constructor(producer: Producer, topic: string) {
    this.#sending = this.#send(producer, topic);
  }

  /** @returns how many were sent */
  async stop(): Promise<number> {
    this.#isOn = false;
    await this.#sending;
    return this.#sent;
  }

  async #send(producer: Producer, topic: string): Promise<void> {
    const prefix = idPrefix();
    while (this.#isOn) {
      const messages = Array.from({ length: 10 }, () => {
        const data = dataOf(this.#sent++);
        return messageOf(data, kafkaHeaders(topic, idOf(prefix, data.n), data.key));
      });
      await producer.send({ topic, acks: -1, messages });
      await sleep(10);
    }
    await producer.disconnect();
  }
}

async function until(isSo: () => boolean, otherwise: string): Promise<void> {
  for (const end = performance.now() + LONGEST_MS; !isSo(); await sleep(2))
    if (performance.now() > end) throw new Error(`${otherwise} after ${LONGEST_MS} ms`);
}

const startRaw: Start = async ({ servers, id }, topic, take) => {
  const consumer = kafkaClient(servers).consumer({ groupId: id });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message: { value, headers } }) =>
      Promise.resolve(take(JSON.parse(String(value)), headers?.['ce_partitionkey']?.toString())),
  });
  return () => consumer.disconnect();
};

const startOurs: Start = async (setting, topic, take) => {
  const handler = decoratedHandler(topic, (data, event) => take(data, event.key));
  const { close } = await openBus(options(setting), [handler]);
  return close;
};

export const REBALANCE: readonly Configuration[] = [
  {
    id: 'kafka/rebalance/raw',
    title: 'kafkajs eachMessage, its defaults',
    by: 'raw',
    note: 'events may come twice and out of order when a member joins',
    run: (setting) => rebalancing(startRaw, setting, 'nothing lost'),
  },
  {
    id: 'kafka/rebalance/ours',
    title: 'keyed handler, its defaults',
    by: 'ours',
    run: (setting) => rebalancing(startOurs, setting, 'each once, in order'),
  },
];
