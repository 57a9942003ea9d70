import { type LoadRun, oursOverLoad as oursOnKafka } from '../kafka/load.js';
import { NOTE, peerOverLoad, TUNING } from '../kafka/parallel-consumer.js';
import { PeerProcess } from '../kafka/parallel-consumer.process.js';
import type { Configuration, Repetition, Setting } from '../measure/configuration.js';
import { oursOverLoad as oursOnNats } from '../nats/load.js';

/** The workload that parallel-consumer publishes: one partition, 0 to 5 ms of work, 100 handlers at once, from one key to one a message. */
const KEYS = [1, 2, 5, 10, 20, 50, 100, 1_000, 10_000];
const EVENTS = 10_000;
const WORKERS = 100;
/** To warm up with: few keys would take long, and teach nothing more. */
const WARM_UP_KEYS = 1_000;
/** With one key a repetition takes as long as half of all the others. */
const MOST_REPETITIONS = 3;

type About = Pick<Configuration, 'id' | 'title' | 'line' | 'axis' | 'repetitions'>;
type RunLoad = (setting: Setting, run: LoadRun) => Promise<Repetition>;

/** Everything that is measured at so many keys: within a run, ours and theirs have their turns one after another. */
function at(keys: number): Configuration[] {
  return [
    { ...about('ours on Kafka', 'ours-kafka', keys), by: 'ours', run: warmed(keys, oursOnKafka) },
    {
      ...about('ours on NATS', 'ours-nats', keys),
      by: 'ours',
      run: warmed(keys, (setting, { load }) => oursOnNats(setting, load, WORKERS)),
    },
    theirs(keys),
  ];
}

function theirs(keys: number): Configuration {
  const peer = new PeerProcess();
  return {
    ...about('parallel-consumer', 'parallel-consumer', keys),
    by: 'peer',
    note: NOTE,
    run: warmed(keys, (setting, run) => peerOverLoad(peer, setting, run, TUNED)),
  };
}

const TUNED = { ...TUNING, maxConcurrency: WORKERS };

/** The first time, a load of many keys goes before, whose figures do not count. */
function warmed(keys: number, runLoad: RunLoad): (setting: Setting) => Promise<Repetition> {
  let isWarm = false;
  return async (setting) => {
    if (!isWarm) await runLoad({ ...setting, id: `${setting.id}-warm-up` }, loadOf(WARM_UP_KEYS));
    isWarm = true;
    const { faults, ...figures } = await runLoad(setting, loadOf(keys));
    return { ...figures, faults, points: [{ x: keys, ...figures }] };
  };
}

function loadOf(keys: number): LoadRun {
  return { load: { events: EVENTS, keys, workMs: 'random' }, partitions: 1, workers: WORKERS };
}

function about(line: string, name: string, keys: number): About {
  return {
    id: `sweep/keys/${name}-${keys}`,
    title: `${line}, ${keys.toLocaleString('en')} ${keys === 1 ? 'key' : 'keys'}`,
    line,
    axis: 'keys',
    repetitions: Math.min(keys, MOST_REPETITIONS),
  };
}

/** Needs both brokers. */
export const SWEEP_SUITE: readonly Configuration[] = KEYS.flatMap(at);
