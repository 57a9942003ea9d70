import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { BrokerView } from './support/broker-view.js';
import { Harness, subscription } from './support/harness.js';

describe.each(SUPPORTED_NATS_VERSIONS)('nats-server %s', (version) => {
  let server: NatsServer;
  let view: BrokerView;
  const open: Harness[] = [];

  beforeAll(async () => {
    server = await startNats({ version });
    view = await BrokerView.open(server.url);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((bus) => bus.close()));
  });
  afterAll(async () => {
    await view.close();
    await server.remove();
  });

  const start = async (stream: string, ordering: 'key' | 'none', partitions = 0): Promise<Harness> => {
    const transport = {
      connection: { servers: server.url },
      streams: [{ name: stream, subjects: [`${stream}.>`], partitions }],
      ackWaitMs: 2_000,
    };
    const bus = await Harness.start({ transport }, [subscription('billing', [`${stream}.>`], { ordering })]);
    open.push(bus);
    return bus;
  };

  it.each(['key', 'none'] as const)('delivers and settles what was confirmed, with ordering "%s"', async (ordering) => {
    const stream = `rt-${ordering}`;
    const bus = await start(stream, ordering);
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, i) => bus.publish(`${stream}.placed`, `event ${i}`, { key: `k${i % 5}` })),
    );

    expect(answers.map((answer) => (answer.how === 'confirmed' ? answer.position : answer))).toEqual(
      answers.map((_, i) => ({ stream, sequence: i + 1 })),
    );
    await eventually(() => expect(bus.texts()).toEqual(answers.map((_, i) => `event ${i}`)));
    await eventually(async () => expect(await view.left(stream, 'billing')).toEqual([0, 0]));
  });

  it('spreads keyed events over partitions, by topics that stay as they are', async () => {
    const bus = await start('parts', 'key', 4);
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => bus.publish('parts.placed', `${i}`, { key: `k${i % 20}` })),
    );
    await bus.publish('parts.placed', 'keyless');

    await eventually(() => expect(bus.deliveries).toHaveLength(201));
    expect(new Set(bus.deliveries.map(({ message }) => message.topic))).toEqual(new Set(['parts.placed']));
    expect(new Set(bus.deliveries.map(({ source }) => source.name))).toEqual(
      new Set(['billing/parts', 'billing/parts[0]', 'billing/parts[1]', 'billing/parts[2]', 'billing/parts[3]']),
    );
    await eventually(async () => expect(await view.left('parts', 'billing@3')).toEqual([0, 0]));
  });
});
