import type { EventBusService, PublishOptions, PublishRequest } from 'nestjs-eventbus';
import type { EventData } from '../measure/events.js';

/** What is sent. */
export interface Load {
  readonly events: number;
  readonly keys: number;
  /** `hot`: every tenth event is of one key, the others' keys take turns. @default 'even' */
  readonly spread?: 'even' | 'hot';
  /** Of the data, as JSON. @default 100 */
  readonly bytes?: number;
}

const BATCH = 1_000;
const BATCHES_AT_ONCE = 4;
const EVERY = 10;

/** The number of an event's key. */
export function laneOf(n: number, { keys, spread = 'even' }: Load): number {
  if (spread === 'even') return n % keys;
  return n % EVERY === 0 ? 0 : 1 + (n % (keys - 1));
}

/** Publishes all of it over the topics in turn. @param types over which events are spread in turn @returns how many were confirmed */
export async function filled(
  bus: EventBusService,
  topics: readonly string[],
  load: Load,
  types: number,
): Promise<number> {
  const pad = 'x'.repeat(Math.max(0, (load.bytes ?? 100) - 47));
  const request = (n: number): PublishRequest<PublishOptions> => {
    const lane = laneOf(n, load);
    const data: EventData = { n, key: `order-${lane}`, at: 0, pad };
    const options = types === 1 ? { key: data.key } : { key: data.key, type: `type-${n % types}` };
    return { topic: topics[lane % topics.length] ?? '', data, options };
  };
  let [sent, confirmed] = [0, 0];
  const publisher = async (): Promise<void> => {
    while (sent < load.events) {
      const first = sent;
      sent += Math.min(BATCH, load.events - sent);
      const requests = Array.from({ length: sent - first }, (_, index) => request(first + index));
      for (const { outcome } of await bus.publishMany(requests)) if (outcome === 'confirmed') confirmed += 1;
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, publisher));
  return confirmed;
}
