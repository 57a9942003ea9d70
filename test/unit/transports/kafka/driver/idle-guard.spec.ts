import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { guardIdle } from '../../../../../lib/transports/kafka/driver/idle-guard.js';

interface Queue {
  checkPendingRequests(): void;
  destroy(): void;
}

/** A request queue of a client that never connects, reached the way the guard reaches it. */
async function queueOf(kafka: Kafka): Promise<Queue> {
  let cluster: object = {};
  kafka.consumer({
    groupId: 'probe',
    partitionAssigners: [
      (given) => {
        cluster = given.cluster;
        return {
          name: 'probe',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'probe', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  const builder: { build(): Promise<{ pool: { requestQueue: Queue }[] }> } = Reflect.get(
    cluster,
    'connectionPoolBuilder',
  );
  const [connection] = (await builder.build()).pool;
  if (connection === undefined) throw new Error('no connection');
  return connection.requestQueue;
}

async function checksWhileIdle(kafka: Kafka): Promise<number> {
  const queue = await queueOf(kafka);
  const check = queue.checkPendingRequests.bind(queue);
  let checks = 0;
  queue.checkPendingRequests = () => {
    checks += 1;
    check();
  };
  queue.checkPendingRequests();
  await sleep(100);
  queue.destroy();
  return checks;
}

describe('The idle guard', () => {
  const client = (): Kafka => new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING });

  it('stops the timer that an idle connection of kafkajs sets again every millisecond', async () => {
    const guarded = client();
    expect(guardIdle(guarded)).toBe(true);

    expect(await checksWhileIdle(guarded)).toBe(1);
    expect(await checksWhileIdle(client())).toBeGreaterThan(10);
  });

  it('lets a client that is built differently alone', () => {
    expect(Reflect.apply(guardIdle, undefined, [{}])).toBe(false);
  });
});
