import type { EventBusService, PublishOptions, PublishRequest } from 'nestjs-eventbus';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaneTimes } from '../measure/handler-time.js';
import type { Oracle } from '../measure/oracle.js';
import { type Load, type WorkData, workDataOf } from '../measure/work.js';
import type { Handle } from './bus.js';

const BATCH = 1_000;

/** Publishes the events of a load. @throws Error unless all are confirmed */
export async function publishLoad(bus: EventBusService, topic: string, load: Load): Promise<void> {
  for (let from = 0; from < load.events; from += BATCH) {
    const requests = requestsOf(topic, load, from);
    const results = await bus.publishMany(requests);
    const failed = results.filter(({ outcome }) => outcome !== 'confirmed').length;
    if (failed > 0) throw new Error(`${failed} of ${requests.length} events of the load were not confirmed`);
  }
}

function requestsOf(topic: string, load: Load, from: number): PublishRequest<PublishOptions>[] {
  return Array.from({ length: Math.min(BATCH, load.events - from) }, (_, index) => {
    const data = workDataOf(from + index, load);
    return { topic, data, options: { key: data.key } };
  });
}

/** Waits as long as the event says, and keeps how long that was in truth. */
export function working(oracle: Oracle, times: LaneTimes): Handle {
  return async (data, event) => {
    oracle.begin();
    const { workMs } = data as WorkData;
    if (workMs > 0) await work(data.n, workMs, times);
    oracle.take(data, event.key);
  };
}

async function work(n: number, ms: number, times: LaneTimes): Promise<void> {
  const since = performance.now();
  await sleep(ms);
  times.add(n, performance.now() - since);
}
