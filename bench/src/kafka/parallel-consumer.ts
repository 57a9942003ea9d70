import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { KEYS } from '../measure/events.js';
import { overheadOf } from '../measure/handler-time.js';
import { kafkaClient, PARTITIONS, uncommitted, withAdmin } from './client.js';
import { fewKeys } from './few-keys.js';
import { type LoadRun, overLoad } from './load.js';
import { PeerProcess, type PeerAnswer, type PeerTask, type Tuning } from './parallel-consumer.process.js';

/**
 * Its defaults but for what its documentation says to tune: as many records in hand as keep every thread busy, which its dynamic load factor
 * would reach only after many seconds.
 */
export const TUNING: Omit<Tuning, 'maxConcurrency'> = {
  messageBufferSize: 10_000,
  batchSize: 1,
  commitIntervalMs: 5_000,
  commitMode: 'PERIODIC_CONSUMER_ASYNCHRONOUS',
  consumer: { 'max.poll.records': '10000' },
};

/** Handlers that never wait want few threads, and more in hand. */
const NO_OP_TUNING: Tuning = { ...TUNING, maxConcurrency: 4, messageBufferSize: 50_000 };
const WARM_UP_RUNS = 3;

/** Handles a load: what is measured begins with its first handler and ends with its last. */
export function peerOverLoad(peer: PeerProcess, setting: Setting, run: LoadRun, tuning: Tuning): Promise<Repetition> {
  const { load, workers } = run;
  return overLoad(setting, run, async (topic) => {
    const answer = await peer.run(taskOf(setting, topic, load, tuning));
    return repetitionOf(answer, load.events, answer.faults, overheadOf(answer.seconds, answer, load, workers));
  });
}

/** Handles the backlog; a fresh process does so a few times before, because its compiler takes that long. */
async function consuming(peer: PeerProcess, setting: Setting): Promise<Repetition> {
  const load = { events: setting.scale.backlog, keys: KEYS };
  const runs = peer.isFresh ? WARM_UP_RUNS + 1 : 1;
  let repetition: Repetition | undefined;
  for (let n = 0; n < runs; n++) {
    const one = { ...setting, id: `${setting.id}-${n}` };
    const answer = await peer.run(taskOf(one, setting.backlog, load, NO_OP_TUNING));
    repetition = repetitionOf(answer, load.events, [...answer.faults, ...(await untilCommitted(one))]);
  }
  return repetition!;
}

async function untilCommitted({ servers, backlog, id }: Setting): Promise<string[]> {
  const kafka = kafkaClient(servers);
  const missing = await uncommitted(kafka, backlog, id);
  await withAdmin(kafka, (admin) => admin.deleteGroups([id]));
  return missing;
}

function taskOf(
  { servers, id }: Setting,
  topic: string,
  { events, keys }: { readonly events: number; readonly keys: number },
  tuning: Tuning,
): PeerTask {
  return { brokers: (servers.kafka ?? []).join(','), topic, group: id, events, keys, tuning };
}

function repetitionOf(
  { seconds, cpuMicros }: PeerAnswer,
  events: number,
  faults: readonly string[],
  extra: Record<string, number> = {},
): Repetition {
  return { events, seconds, clientMicros: cpuMicros / events, brokerMicros: undefined, extra, faults };
}

/** A configuration that has a Java process for itself. */
function peerConfiguration(
  about: Omit<Configuration, 'by' | 'note' | 'run'>,
  run: (peer: PeerProcess, setting: Setting) => Promise<Repetition>,
): Configuration {
  const peer = new PeerProcess();
  return { ...about, by: 'peer', note: NOTE, run: (setting) => run(peer, setting) };
}

/** What its figures do not promise. */
export const NOTE =
  'Java, another process; a thread a handler; no dead letters, and no end to retries; committed every 5 s, so that a crash repeats more';

const SLOW: LoadRun = { load: { events: 40_000, keys: KEYS, workMs: 10 }, partitions: PARTITIONS, workers: 256 };

export const PARALLEL_CONSUMER: readonly Configuration[] = [
  peerConfiguration(
    { id: 'kafka/consume/parallel-consumer', title: 'parallel-consumer, KEY order, JSON parsed' },
    consuming,
  ),
  peerConfiguration(
    { id: 'kafka/slow/parallel-consumer', title: 'parallel-consumer, 10 ms handler, 1,000 keys, 256 threads' },
    (peer, setting) => peerOverLoad(peer, setting, SLOW, { ...TUNING, maxConcurrency: 256 }),
  ),
  ...[2, 10].flatMap(withFewKeys),
];

/** A thread a key is as many as it can use, and more make it slower; with its defaults, for comparison. */
function withFewKeys(ms: number): Configuration[] {
  const run = fewKeys(ms);
  const { keys } = run.load;
  const title = `parallel-consumer, ${ms} ms handler, ${keys} keys`;
  const id = `kafka/few-keys-${ms}ms/parallel-consumer`;
  return [
    peerConfiguration({ id, title: `${title}, ${keys} threads` }, (peer, setting) =>
      peerOverLoad(peer, setting, run, { ...TUNING, maxConcurrency: keys }),
    ),
    peerConfiguration({ id: `${id}-untuned`, title: `${title}, 256 threads and its defaults` }, (peer, setting) =>
      peerOverLoad(peer, setting, run, { ...TUNING, maxConcurrency: 256, messageBufferSize: 0, consumer: {} }),
    ),
  ];
}
