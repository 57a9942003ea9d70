import { setTimeout as sleep } from 'node:timers/promises';
import type { Repetition } from '../measure/configuration.js';
import { dataOf } from '../measure/events.js';
import { Meter } from '../measure/meter.js';
import { type OpenBus, untilSources } from './bus.js';

const QUIET_MS = 3_000;
const MEASURED_MS = 20_000;

/** CPU of an application that is connected, consumes and has published, while nothing is going on. Closes it. */
export async function idling(
  open: OpenBus,
  { topic, sources, brokerPid }: { readonly topic: string; readonly sources: number; brokerPid: number | undefined },
): Promise<Repetition> {
  await untilSources(open, sources);
  const data = dataOf(0);
  await open.bus.publish(topic, data, { key: data.key });
  await sleep(QUIET_MS);
  const meter = new Meter(brokerPid);
  const cpu = process.cpuUsage();
  meter.start();
  await sleep(MEASURED_MS);
  meter.stop();
  const { user, system } = process.cpuUsage(cpu);
  await open.close();
  return meter.repetition(1, [], { extra: { idlePercent: (user + system) / (MEASURED_MS * 10) } });
}
