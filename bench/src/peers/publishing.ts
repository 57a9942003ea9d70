import { dataOf, type EventData } from '../measure/events.js';
import type { Enough } from '../measure/pace.js';
import type { Sender } from '../process/pair.js';
import type { PeerEvent, PeerPublisher } from './contract.js';

/** An event of these data, as it is given to a peer. */
export type EventOf = (data: EventData) => PeerEvent;

const never: Enough = () => false;

/** Publishes as the peer is published with best, until the clock says so or all are sent. @returns how many the peer has said are published */
export async function publishAll(
  publisher: PeerPublisher,
  eventOf: EventOf,
  { enough = never, most = Infinity }: { enough?: Enough; most?: number },
): Promise<number> {
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (sent < most && !enough(sent)) {
      const first = sent;
      sent += Math.min(publisher.batch, most - sent);
      const events = Array.from({ length: sent - first }, (_, index) => eventOf(dataOf(first + index)));
      await publisher.publish(events);
    }
  };
  await Promise.all(Array.from({ length: publisher.lanes }, lane));
  return sent;
}

/** The publishing half of a pair. */
export function senderOf(publisher: PeerPublisher, eventOf: EventOf): Sender {
  const waiting: Promise<void>[] = [];
  return {
    sendAll: (count) => publishAll(publisher, eventOf, { most: count }),
    send: (data) => {
      waiting.push(publisher.publish([eventOf(data)]));
    },
    flush: async () => (await Promise.all(waiting)).length,
    close: () => publisher.close(),
  };
}
