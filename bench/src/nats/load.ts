import type { Repetition, Setting } from '../measure/configuration.js';
import { LaneTimes, overheadOf } from '../measure/handler-time.js';
import { Meter } from '../measure/meter.js';
import { MeteredOracle } from '../measure/metered-oracle.js';
import type { Load } from '../measure/work.js';
import { decoratedHandler, openBus } from '../ours/bus.js';
import { publishLoad, working } from '../ours/load.js';
import { natsClient, untilSettled } from './client.js';
import { options } from './ours.js';
import { prepareNats, removeNats } from './raw-pair.js';

/** The library's own run over a load that a stream of its own holds; the server has every acknowledgement at its end. */
export async function oursOverLoad(setting: Setting, load: Load, workers: number): Promise<Repetition> {
  const topic = `bench.${setting.id}`;
  await prepareNats(setting, topic);
  const filling = await openBus({ ...options(setting, topic), consume: false });
  await publishLoad(filling.bus, topic, load);
  await filling.close();
  const oracle = new MeteredOracle(load.events, new Meter(setting.servers.brokerPid), load.keys);
  const times = new LaneTimes(load.keys);
  const { close } = await openBus({ ...options(setting, topic), pools: { keyed: { workers } } }, [
    decoratedHandler(topic, working(oracle, times)),
  ]);
  await oracle.untilAll();
  oracle.meter.stop();
  const client = await natsClient(setting.servers.nats);
  await untilSettled(client, topic);
  await close();
  await client.connection.close();
  await removeNats(setting, topic);
  const extra = overheadOf(oracle.meter.seconds, times, load, workers);
  return oracle.meter.repetition(load.events, oracle.faults(load.events), { extra });
}
