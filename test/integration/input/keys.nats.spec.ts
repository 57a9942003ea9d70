import { connect } from 'nats';
import { natsTransport } from 'nestjs-eventbus/nats';
import { createTestBus } from 'nestjs-eventbus/testing';
import { expect, it } from 'vitest';
import { natsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { KEYS_AND_TOPICS } from './cases.keys.js';

const { url, version } = await natsServer();

it(`never makes a key a part of a subject, on nats-server ${version}`, async () => {
  const keys = KEYS_AND_TOPICS.flatMap(({ published }) => published)
    .filter(({ becomes }) => becomes === 'exact')
    .map(({ options }) => options?.key)
    .filter((key): key is string => typeof key === 'string' && key.length <= 10_000);
  const stream = unique('keys');
  const topic = `${stream}.in`;
  const seen: string[] = [];
  const test = await createTestBus({
    transport: natsTransport({
      connection: { servers: url },
      streams: [{ name: stream, subjects: [`${stream}.>`], partitions: 3 }],
    }),
    group: unique('keys'),
    testHandlers: [{ on: topic, handle: (_, { key }) => void seen.push(key ?? 'none') }],
  });
  const connection = await connect({ servers: url });
  try {
    for (const key of keys) await test.bus.publish(topic, 1, { key });
    await eventually(() => expect(seen).toHaveLength(keys.length), { timeoutMs: 20_000 });

    const manager = await connection.jetstreamManager();
    const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
    const allowed = new Set(['0', '1', '2'].map((partition) => `${partition}.${topic}`));
    expect(Object.keys(state.subjects ?? {}).filter((subject) => !allowed.has(subject))).toEqual([]);
    expect(seen.toSorted()).toEqual(keys.toSorted());
  } finally {
    await test.close();
    await connection.close();
  }
});
