import type { Repetition, Setting } from '../measure/configuration.js';
import { LaneTimes, overheadOf } from '../measure/handler-time.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import type { Load } from '../measure/work.js';
import { decoratedHandler, openBus } from '../ours/bus.js';
import { publishLoad, working } from '../ours/load.js';
import { addTopic, dropTopic, kafkaClient, uncommitted, withAdmin } from './client.js';
import { options } from './ours.js';

/** A load, where it lies, and who handles it. */
export interface LoadRun {
  readonly load: Load;
  readonly partitions: number;
  readonly workers: number;
}

/** A topic that holds the load, for as long as `handle` runs; a group that has handled all of it has committed all of it. */
export async function overLoad(
  setting: Setting,
  { load, partitions }: LoadRun,
  handle: (topic: string) => Promise<Repetition>,
): Promise<Repetition> {
  const kafka = kafkaClient(setting.servers);
  const topic = `bench.${setting.id}`;
  await addTopic(kafka, topic, partitions);
  const filling = await openBus({ ...options(setting), consume: false });
  await publishLoad(filling.bus, topic, load);
  await filling.close();
  const repetition = await handle(topic);
  const faults = [...repetition.faults, ...(await uncommitted(kafka, topic, setting.id))];
  await withAdmin(kafka, (admin) => admin.deleteGroups([setting.id]));
  await dropTopic(kafka, topic);
  return { ...repetition, faults };
}

/** The library's own run over a load. */
export function oursOverLoad(setting: Setting, run: LoadRun): Promise<Repetition> {
  const { load, workers } = run;
  return overLoad(setting, run, async (topic) => {
    const oracle = new MeteredOracle(load.events, new Meter(setting.servers.brokerPid), load.keys);
    const times = new LaneTimes(load.keys);
    const { close } = await openBus({ ...options(setting), pools: { keyed: { workers } } }, [
      decoratedHandler(topic, working(oracle, times)),
    ]);
    await oracle.untilAll();
    oracle.meter.stop();
    await close();
    const extra = overheadOf(oracle.meter.seconds, times, load, workers);
    return oracle.meter.repetition(load.events, oracle.faults(load.events), { extra });
  });
}
