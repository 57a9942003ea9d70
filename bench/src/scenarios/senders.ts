import type { EventBusService } from 'nestjs-eventbus';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Oracle } from '../../../tools/scenarios/oracle.js';
import { type PlannedEvent, rawBody } from '../../../tools/scenarios/workload.js';

/** Everything that a sender needs of its run. */
export interface Sending {
  readonly bus: EventBusService;
  readonly topics: readonly string[];
  readonly senders: readonly (readonly PlannedEvent[])[];
  readonly oracle: Oracle;
}

/** Sends all; resolves when all are sent, not when they are confirmed. */
export type Send = (sending: Sending) => Promise<void>;

/** After so many events a sender that awaits nothing lets the others, and what arrives, have their turn. */
const EVENTS_A_TURN = 50;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the reference does: a sender goes on as soon as its event is taken in. One that is refused for want of room waits for a turn. */
export const enqueued: Send = async (sending) => {
  const { bus, senders } = sending;
  const sendAll = async (events: readonly PlannedEvent[]): Promise<void> => {
    for (const [index, event] of events.entries()) {
      const [topic, data, options] = publishOf(sending, event);
      for (;;) {
        const taken = bus.enqueue(topic, data, options);
        if (taken.accepted) break;
        if (taken.reason !== 'full') throw new Error(`an event was refused: ${taken.reason}`);
        await turn();
      }
      if (index % EVENTS_A_TURN === EVENTS_A_TURN - 1) await turn();
    }
  };
  await Promise.all(senders.map(sendAll));
};

/** Each sender waits for the broker's confirm before it sends its next. */
export const awaited: Send = async (sending) => {
  const sendAll = async (events: readonly PlannedEvent[]): Promise<void> => {
    for (const event of events) await sending.bus.publish(...publishOf(sending, event));
  };
  await Promise.all(sending.senders.map(sendAll));
};

/** All senders together: 1,000 events a second, whatever the timers do. */
export const paced: Send = async (sending) => {
  const { bus, senders } = sending;
  const inTurn = (senders[0] ?? []).flatMap((_, version) => senders.map((events) => events[version]));
  const events = inTurn.filter((event) => event !== undefined);
  const startedAt = performance.now();
  for (let sent = 0; sent < events.length;) {
    const due = Math.min(events.length, Math.floor(performance.now() - startedAt));
    for (; sent < due; sent++) {
      const { accepted } = bus.enqueue(...publishOf(sending, events[sent]!));
      if (!accepted) throw new Error('an event was refused');
    }
    await sleep(1);
  }
};

function publishOf({ topics, oracle }: Sending, event: PlannedEvent): [string, unknown, object] {
  const { index, topic, key, sequence } = event;
  const nanos = process.hrtime.bigint();
  const data = key === undefined ? rawBody(event, nanos) : { aggregate: key, version: sequence };
  oracle.sending(index);
  const options =
    key === undefined
      ? {}
      : {
          key,
          id: `${key}:TestEvent:${sequence}:${nanos}`,
          type: 'TestEvent',
          version: sequence,
          tenantId: 'scenario',
        };
  return [topics[topic] ?? '', data, options];
}
