import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NatsStreamOptions, NatsStreamPolicy } from '../../../lib/transports/nats/index.js';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { BrokerView } from './support/broker-view.js';
import { Harness, subscription } from './support/harness.js';

describe.each(SUPPORTED_NATS_VERSIONS)('streams and consumers, nats-server %s', (version) => {
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

  interface Declared {
    readonly streams: readonly NatsStreamOptions[];
    readonly policy?: NatsStreamPolicy;
    readonly topicPrefix?: string;
  }

  async function prepared(
    { topicPrefix = '', ...transport }: Declared,
    patterns: readonly string[] = [],
  ): Promise<Harness> {
    const bus = new Harness({ transport: { connection: { servers: server.url }, ...transport }, topicPrefix });
    open.push(bus);
    await bus.transport.connect();
    await bus.transport.prepare(patterns.length === 0 ? [] : [subscription('g', patterns)]);
    return bus;
  }

  it('has these names, for ever', async () => {
    const streams = [{ name: 'ORDERS', subjects: ['orders.>'], partitions: 2 }];
    const bus = new Harness({
      transport: { connection: { servers: server.url }, streams },
      topicPrefix: 'staging.eu.',
    });
    open.push(bus);
    const subscriptions = [
      subscription('billing', ['orders.>', 'dead.>'], { ordering: 'key' }),
      subscription('a.b', ['orders.>']),
      subscription('a_b', ['orders.>']),
    ];
    await bus.transport.connect();
    await bus.transport.prepare(subscriptions);
    await bus.transport.consume(subscriptions);
    for (const key of ['k1', 'k2', 'k3', undefined])
      expect(await bus.publish('orders.placed', 'x', { key })).toMatchObject({ how: 'confirmed' });
    await bus.publish('dead.billing.orders.placed', 'x', { dead: true });

    expect((await view.stream('STAGING_EU_ORDERS')).config.subjects).toEqual([
      'staging.eu.orders.>',
      '0.staging.eu.orders.>',
      '1.staging.eu.orders.>',
    ]);
    expect((await view.stream('STAGING_EU_DEAD_LETTERS')).config.subjects).toEqual(['staging.eu.dead.>']);
    const durables: string[] = [];
    for await (const { name, config } of view.manager.consumers.list('STAGING_EU_ORDERS'))
      durables.push(`${name} ${config.filter_subject}`);
    const expected = ['staging=eu=a=b', 'staging=eu=a_b', 'staging=eu=billing'].flatMap((name) => [
      `${name} staging.eu.orders.>`,
      `${name}@0 0.staging.eu.orders.>`,
      `${name}@1 1.staging.eu.orders.>`,
    ]);
    expect(durables.toSorted()).toEqual(expected.toSorted());
    const { subjects = {} } = (await view.manager.streams.info('STAGING_EU_ORDERS', { subjects_filter: '>' })).state;
    expect(subjects).toEqual({
      'staging.eu.orders.placed': 1,
      '0.staging.eu.orders.placed': 1,
      '1.staging.eu.orders.placed': 2,
    });
    await eventually(() =>
      expect(bus.deliveries.map(({ message }) => message.topic).toSorted()).toHaveLength(4 * 3 + 1),
    );
    expect(new Set(bus.deliveries.map(({ message }) => message.topic))).toEqual(
      new Set(['orders.placed', 'dead.billing.orders.placed']),
    );
  });

  it('creates what is declared, as it is declared', async () => {
    const name = unique('S');
    await prepared({
      streams: [
        {
          name,
          subjects: [`${name}.>`],
          storage: 'memory',
          retention: 'workqueue',
          maxAgeMs: 60_000,
          maxBytes: 1_000_000,
          maxMessages: 1_000,
          maxMessageBytes: 10_000,
          discard: 'old',
          duplicateWindowMs: 30_000,
        },
      ],
    });
    expect((await view.stream(name)).config).toMatchObject({
      storage: 'memory',
      retention: 'workqueue',
      max_age: 60e9,
      max_bytes: 1_000_000,
      max_msgs: 1_000,
      max_msg_size: 10_000,
      discard: 'old',
      num_replicas: 1,
      duplicate_window: 30e9,
    });
  });

  it('has defaults that keep events for a week and drop none', async () => {
    const name = unique('S');
    await prepared({ streams: [{ name, subjects: [name] }] }, [name]);
    const defaults = {
      storage: 'file',
      max_age: 7 * 86_400e9,
      max_msgs: -1,
      max_bytes: -1,
      discard: 'new',
      duplicate_window: 120e9,
    };
    expect((await view.stream(name)).config).toMatchObject({ ...defaults, retention: 'limits' });
    expect((await view.stream('DEAD_LETTERS')).config).toMatchObject(defaults);
  });

  it('lets several processes create the same things at once', async () => {
    const name = unique('S');
    const streams = [{ name, subjects: [`${name}.>`], partitions: 3 }];
    const subscriptions = [subscription('g', [`${name}.>`], { ordering: 'key' })];
    const transport = { connection: { servers: server.url }, streams };
    const buses = await Promise.all(Array.from({ length: 5 }, () => Harness.start({ transport }, subscriptions)));
    open.push(...buses);
    expect(buses.flatMap((bus) => [...bus.logged('warn'), ...bus.logged('error')])).toEqual([]);
  });

  it('complains of what differs: it warns of limits, and fails on subjects and partitions', async () => {
    const name = unique('S');
    const base = { name, subjects: [`${name}.a`] };
    await prepared({ streams: [base] });

    const warned = await prepared({ streams: [{ ...base, maxAgeMs: 1_000_000 }] });
    expect(warned.logged('warn').join()).toMatch(/max_age is 604800000000000, declared 1000000000000/);
    await expect(prepared({ streams: [{ ...base, subjects: [`${name}.a`, `${name}.b`] }] })).rejects.toMatchObject({
      code: 'EVENT_BUS_TOPOLOGY',
      message: expect.stringContaining(`subjects lack "${name}.b"`),
    });
    await expect(prepared({ streams: [{ ...base, partitions: 2 }] })).rejects.toThrow(/partitions are 0, declared 2/);
    await expect(prepared({ streams: [{ ...base, maxAgeMs: 1_000_000 }], policy: 'validate' })).rejects.toThrow(
      /max_age/,
    );
  });

  it('changes what differs, and keeps what others declared, with create-or-update', async () => {
    const name = unique('S');
    await prepared({ streams: [{ name, subjects: [`${name}.a`] }] });
    const policy = 'create-or-update';
    await prepared({ policy, streams: [{ name, subjects: [`${name}.b`], maxAgeMs: 1_000_000, partitions: 2 }] });

    const { config } = await view.stream(name);
    expect(config.max_age).toBe(1_000_000e6);
    expect(config.subjects.toSorted()).toEqual([`0.${name}.b`, `1.${name}.b`, `${name}.a`, `${name}.b`]);
    await expect(prepared({ policy, streams: [{ name, subjects: [`${name}.b`], partitions: 1 }] })).rejects.toThrow(
      /2 partitions, declared 1/,
    );
    await expect(
      prepared({ policy, streams: [{ name, subjects: [`${name}.b`], storage: 'memory', partitions: 2 }] }),
    ).rejects.toThrow(/storage/);
  });

  it('creates nothing with validate and none', async () => {
    const name = unique('S');
    const streams = [{ name, subjects: [name] }];
    await expect(prepared({ streams, policy: 'validate' })).rejects.toThrow(/does not exist/);
    await prepared({ streams, policy: 'none' });
    await expect(view.stream(name)).rejects.toThrow();
  });

  it('prints the line to add for a pattern that no stream covers', async () => {
    const name = unique('nowhere');
    await expect(prepared({ streams: [] }, [`${name}.placed`])).rejects.toMatchObject({
      code: 'EVENT_BUS_TOPOLOGY',
      message: expect.stringContaining(
        `natsTransport({ streams: [{ name: '${name.toUpperCase()}', subjects: ['${name}.>'] }] })`,
      ),
    });
  });

  it('consumes from a stream that others declared, with its partitions', async () => {
    const name = unique('S');
    const streams = [{ name, subjects: [`${name}.>`], partitions: 2 }];
    const publisher = await prepared({ streams });
    const transport = { connection: { servers: server.url } };
    const bus = await Harness.start({ transport }, [subscription('g', [`${name}.>`], { ordering: 'key' })]);
    open.push(bus);
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => publisher.publish(`${name}.x`, key, { key })));

    await eventually(() => expect(bus.texts().toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']));
  });

  it('says which stream has a subject that is declared twice', async () => {
    const name = unique('S');
    await prepared({ streams: [{ name, subjects: [`${name}.>`] }] });
    await expect(prepared({ streams: [{ name: `${name}-2`, subjects: [`${name}.a`] }] })).rejects.toMatchObject({
      code: 'EVENT_BUS_TOPOLOGY',
      message: expect.stringContaining('Another stream has some of these subjects'),
    });
  });

  it('says which line is missing when a process publishes past the partitions of a stream it does not declare', async () => {
    const name = unique('P');
    await prepared({ streams: [{ name, subjects: [`${name}.>`], partitions: 3 }] });
    const other = await prepared({ streams: [] });
    await other.publish(`${name}.a`, 'x', { key: 'k' });
    await other.publish(`${name}.a`, 'y', { key: 'k' });

    await eventually(() =>
      expect(other.logged('warn')).toEqual([
        `NATS: stream "${name}" has partitions, and what is published here goes into none of them: add streams: [{ name: '${name}', subjects: ['${name}.>'], partitions: 3 }] to natsTransport()`,
      ]),
    );
  });
});
