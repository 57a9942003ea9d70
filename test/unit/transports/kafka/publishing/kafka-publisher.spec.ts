import { afterEach, describe, expect, it } from 'vitest';
import { Deferred } from '../../../../../lib/core/deferred.js';
import { HandleRegister } from '../../../../../lib/core/handle-register.js';
import type { ProducerMessage } from '../../../../../lib/transports/kafka/driver/driver.js';
import { KafkaPublisher, type PublisherParts } from '../../../../../lib/transports/kafka/publishing/kafka-publisher.js';
import { eventually } from '../../../../support/eventually.js';

interface Sent {
  readonly bodies: readonly string[];
  readonly answer: Deferred<bigint>;
}

describe('what is published to a topic on Kafka', () => {
  let close: (() => Promise<void>) | undefined;
  afterEach(() => close?.());

  /** A topic of one partition that is deleted again and again, on a broker that answers each send when it is told to. */
  function setup() {
    const sends: Sent[] = [];
    const outcomes = new Map<number, string>();
    const broker = { asked: 0, ensured: 0 };
    const producers = {
      send: (_: object, messages: readonly ProducerMessage[]) => {
        const answer = new Deferred<bigint>();
        sends.push({ bodies: messages.map(({ value }) => String(value)), answer });
        return answer.promise;
      },
      close: async () => sends.forEach(({ answer }) => answer.resolve(0n)),
    };
    const topics = {
      ensure: async () => {
        broker.ensured += 1;
        return 1;
      },
      count: async () => {
        broker.asked += 1;
        return undefined;
      },
    };
    const parts = {
      producers,
      topics,
      port: {
        confirmed: (slot: number) => void outcomes.set(slot, 'confirmed'),
        failed: (slot: number, how: string) => void outcomes.set(slot, how),
      },
      names: { wire: (name: string) => name },
      handles: new HandleRegister(),
      logger: { debug: () => undefined },
      topicRefreshMs: 2,
      connection: { isConnected: true, limitBytes: () => 1_000 },
    } as unknown as PublisherParts;
    const publisher = new KafkaPublisher(parts);
    close = () => publisher.close();
    const publish = (slot: number): void =>
      publisher.publish({ topic: 'orders', key: 'k', id: `${slot}`, body: `${slot}`, headers: [] }, slot);
    const deleted = () => eventually(() => expect(broker.asked).toBeGreaterThan(0));
    const made = (times: number) => eventually(() => expect(broker.ensured).toBe(times));
    return { sends, outcomes, publish, deleted, made };
  }

  it('waits behind what is on its way, also when the topic is deleted and made again meanwhile', async () => {
    const { sends, outcomes, publish, deleted, made } = setup();
    const bodies = () => sends.map((send) => send.bodies);
    publish(1);
    await eventually(() => expect(bodies()).toEqual([['1']]));
    await deleted();
    publish(2);
    await made(2);
    await turn();
    expect(bodies()).toEqual([['1']]);

    sends[0]?.answer.resolve(0n);
    await eventually(() => expect(bodies()).toEqual([['1'], ['2']]));
    sends[1]?.answer.resolve(1n);
    await eventually(() => expect([...outcomes.values()]).toEqual(['confirmed', 'confirmed']));
  });

  it('has its topic made anew at the next use once that is gone', async () => {
    const { sends, publish, deleted, made } = setup();
    publish(1);
    await eventually(() => expect(sends).toHaveLength(1));
    sends[0]?.answer.resolve(0n);
    await deleted();
    publish(2);

    await made(2);
    await eventually(() => expect(sends).toHaveLength(2));
  });
});

/** A whole turn of the event loop: what is due has been sent. */
async function turn(): Promise<void> {
  for (let part = 0; part < 2; part += 1) await new Promise((resolve) => setImmediate(resolve));
}
