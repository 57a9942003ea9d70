import { setTimeout as sleep } from 'node:timers/promises';
import type { Configuration, MemorySample, Repetition, Setting } from '../measure/configuration.js';
import { dataOf } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import { bareHandler, type OpenBus } from '../ours/bus.js';
import { openConsumer, openPublisher, remove, settled, type Subject } from './subject.js';

const SECONDS = 25;
const PER_SECOND = 10_000;
const MEBIBYTE = 1_048_576;

/** Publishes and handles 10,000 events a second in one process, and looks at its memory once a second. */
async function run(on: 'nats' | 'kafka', setting: Setting): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  const subject: Subject = { on, setting, topics: [topic] };
  const meter = new Meter(setting.servers.brokerPid);
  const events = SECONDS * PER_SECOND;
  const oracle = new MeteredOracle(events, meter);
  const publishing = await openPublisher(subject);
  const consuming = await openConsumer(subject, [bareHandler(topic, (data, { key }) => oracle.take(data, key))]);
  const sampling = sampled(oracle);
  await send(publishing, topic, events);
  await oracle.untilAll();
  meter.stop();
  const samples = sampling.stop();
  await settled(subject);
  await Promise.all([consuming.close(), publishing.close()]);
  await remove(subject);
  return meter.repetition(events, oracle.faults(events), { samples });
}

async function send({ bus }: OpenBus, topic: string, events: number): Promise<void> {
  const startedAt = performance.now();
  for (let sent = 0; sent < events;) {
    const due = Math.min(events, Math.floor(((performance.now() - startedAt) * PER_SECOND) / 1_000));
    for (; sent < due; sent++) {
      const data = dataOf(sent);
      const { accepted } = bus.enqueue(topic, data, { key: data.key });
      if (!accepted) break;
    }
    await sleep(2);
  }
  await bus.flush();
}

function sampled(oracle: MeteredOracle): { stop(): MemorySample[] } {
  const samples: MemorySample[] = [];
  const startedAt = performance.now();
  const sample = (): void => {
    const { rss, heapUsed } = process.memoryUsage();
    const seconds = (performance.now() - startedAt) / 1_000;
    samples.push({ seconds, rssMiB: rss / MEBIBYTE, heapMiB: heapUsed / MEBIBYTE, handled: oracle.handled });
  };
  sample();
  const timer = setInterval(sample, 1_000);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      return samples;
    },
  };
}

export const MEMORY: readonly Configuration[] = (['nats', 'kafka'] as const).map((on) => ({
  id: `curves/memory/${on}`,
  title: on === 'nats' ? 'NATS' : 'Kafka',
  by: 'ours',
  on,
  note: '10,000 events a second, published and handled in one process; one run',
  repetitions: 1,
  run: (setting) => run(on, setting),
}));
