import type { Sender } from '../process/pair.js';
import type { OpenBus } from './bus.js';
import { publishInBatches } from './publishing.js';

/** The publishing half of a pair, through the bus. */
export function senderOf({ bus, close }: OpenBus, topic: string): Sender {
  const waiting: Promise<unknown>[] = [];
  return {
    sendAll: async (count) => (await publishInBatches(bus, topic, { most: count })).confirmed,
    send: (data) => {
      waiting.push(bus.publish(topic, data, { key: data.key }));
    },
    flush: async () => (await Promise.all(waiting)).length,
    close,
  };
}
