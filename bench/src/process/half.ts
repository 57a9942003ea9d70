import { once } from 'node:events';
import { cpuUsage } from 'node:process';
import { build } from 'hdr-histogram-js';
import { microsNow } from '../measure/events.js';
import { Oracle } from '../measure/oracle.js';
import { configuration } from './registry.js';
import type { HalfResult, HalfTask, PairConfiguration } from './pair.js';

/** The consuming half of a pair, in a process of its own. */
const [task] = (await once(process, 'message')) as [HalfTask];
const { parts } = (await configuration(task.id)) as PairConfiguration;
const oracle = new Oracle(task.events);
const latency = build({
  lowestDiscernibleValue: 1,
  highestTrackableValue: 120_000_000,
  numberOfSignificantValueDigits: 3,
});
let lastAtMicros = 0;

const stop = await parts.consume(task.setting, task.topic, (data, key) => {
  lastAtMicros = microsNow();
  if (data.at > 0) latency.recordValue(Math.max(1, lastAtMicros - data.at));
  oracle.take(data, key);
});
const cpu = cpuUsage();
const stopped = once(process, 'message');
process.send?.({ ready: true });

let stall: string[] = [];
await oracle.untilAll(15_000).catch((error: unknown) => {
  stall = [String(error)];
});
const { user, system } = cpuUsage(cpu);
const ms = (percentile: number): number => latency.getValueAtPercentile(percentile) / 1_000;
const result: HalfResult = {
  lastAtMicros,
  cpuMicros: user + system,
  latencyMs: { p50: ms(50), p90: ms(90), p99: ms(99), p999: ms(99.9), max: latency.maxValue / 1_000 },
  faults: [...stall, ...oracle.faults(task.events)],
};
process.send?.({ result });
await stopped;
await stop();
process.exit(0);
