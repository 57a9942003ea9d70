import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Delivery, Subscription } from '../../../lib/transport/transport.js';
import type { NatsTransportOptions } from '../../../lib/transports/nats/index.js';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { BrokerView } from './support/broker-view.js';
import { type Answer, Harness, type HarnessOptions, subscription } from './support/harness.js';

const keep = (): void => undefined;

function publishAll(bus: Harness, topic: string, count: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => bus.publish(`${topic}.a`, `${i + 1}`)));
}

describe.each(SUPPORTED_NATS_VERSIONS)('consuming, nats-server %s', (version) => {
  let server: NatsServer;
  let view: BrokerView;
  const open: { close(): Promise<void> }[] = [];

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

  interface Setup {
    readonly topic?: string;
    readonly patterns?: readonly string[];
    readonly subscribe?: Partial<Subscription>;
    readonly nats?: Partial<NatsTransportOptions>;
    readonly harness?: Partial<HarnessOptions>;
  }

  async function start({ topic = unique('t'), patterns, subscribe, nats, harness }: Setup = {}) {
    const transport: NatsTransportOptions = {
      connection: { servers: server.url },
      streams: [{ name: topic, subjects: [`${topic}.>`] }],
      ackWaitMs: 1_000,
      pullExpiryMs: 500,
      ...nats,
    };
    const subscriptions = [subscription('billing', patterns ?? [`${topic}.>`], { ordering: 'key', ...subscribe })];
    const bus = await Harness.start({ transport, ...harness }, subscriptions);
    open.push(bus);
    return { bus, topic };
  }

  it('never has more in hand than the credit, in messages', async () => {
    const waiting: Delivery[] = [];
    const { bus, topic } = await start({
      harness: { creditMessages: 50, onDelivery: (delivery) => void waiting.push(delivery) },
    });
    await publishAll(bus, topic, 400);
    await eventually(() => expect(waiting).toHaveLength(50));
    await sleep(600);
    expect(await view.left(topic, 'billing')).toEqual([350, 50]);

    for (let settled = 0; settled < 400;) {
      await eventually(() => expect(waiting.length).toBeGreaterThan(0));
      for (const delivery of waiting.splice(0)) {
        bus.settle(delivery);
        settled += 1;
      }
    }
    expect([...bus.grants.values()].map(({ mostUsed }) => mostUsed)).toEqual([50]);
    expect(bus.texts()).toEqual(Array.from({ length: 400 }, (_, i) => `${i + 1}`));
    await eventually(async () => expect(await view.left(topic, 'billing')).toEqual([0, 0]));
  });

  it('never asks for more than the credit, in bytes, and takes the largest message with the least credit', async () => {
    const waiting: Delivery[] = [];
    const { bus, topic } = await start({
      harness: { creditBytes: 3_000_000, onDelivery: (delivery) => void waiting.push(delivery) },
    });
    const body = 'x'.repeat(1_000_000);
    await Promise.all(Array.from({ length: 8 }, () => bus.publish(`${topic}.a`, body)));
    for (let settled = 0; settled < 8; settled++) {
      const delivery = await eventually(() => {
        const [first] = waiting.splice(0, 1);
        expect(first).toBeDefined();
        return first;
      });
      const { usedBytes = 0 } = [...bus.grants.values()][0] ?? {};
      expect(usedBytes).toBeLessThanOrEqual(3_000_000);
      if (delivery !== undefined) bus.settle(delivery);
    }
  });

  it('extends what is in hand: a handler longer than the ack wait gets no second delivery', async () => {
    const { bus, topic } = await start({ harness: { onDelivery: keep } });
    await publishAll(bus, topic, 3);
    await eventually(() => expect(bus.deliveries).toHaveLength(3));
    await sleep(2_500);
    expect(await view.consumer(topic, 'billing')).toMatchObject({ num_redelivered: 0, num_ack_pending: 3 });

    for (const delivery of bus.deliveries) bus.settle(delivery);
    await eventually(async () => expect(await view.left(topic, 'billing')).toEqual([0, 0]));
    expect(bus.deliveries).toHaveLength(3);
  });

  it('settles before a handler runs, with an answer, for groups that want at most once', async () => {
    const { bus, topic } = await start({ subscribe: { delivery: 'at-most-once' }, harness: { onDelivery: keep } });
    await publishAll(bus, topic, 20);
    await eventually(() => expect(bus.deliveries).toHaveLength(20));
    await bus.transport.settleBefore(bus.deliveries);

    expect(await view.left(topic, 'billing')).toEqual([0, 0]);
    await sleep(1_500);
    expect(bus.deliveries).toHaveLength(20);
  });

  it('gives back what is left unsettled at a close to the next one, in order', async () => {
    const { bus: first, topic } = await start({ harness: { onDelivery: keep } });
    await publishAll(first, topic, 10);
    await eventually(() => expect(first.deliveries).toHaveLength(10));
    for (const delivery of first.deliveries) if (['2', '5'].includes(first.textOf(delivery))) first.settle(delivery);
    await first.close();
    expect(await view.left(topic, 'billing')).toEqual([0, 8]);
    expect(first.handles.list()).toEqual([]);

    const { bus: second } = await start({ topic });
    await publishAll(second, topic, 2);
    await eventually(() => expect(second.texts()).toEqual(['1', '3', '4', '6', '7', '8', '9', '10', '1', '2']));
    expect(second.deliveries.map(({ redelivered }) => redelivered)).toEqual([
      ...Array.from({ length: 8 }, () => true),
      false,
      false,
    ]);
  });

  it('hands over at once at a clean close', async () => {
    const { bus: first, topic } = await start();
    const { bus: second } = await start({ topic });
    await publishAll(first, topic, 20);
    await eventually(async () => expect(await view.left(topic, 'billing')).toEqual([0, 0]));
    const owner = first.deliveries.length > 0 ? first : second;
    const other = owner === first ? second : first;
    expect(other.deliveries).toEqual([]);
    await owner.close();
    await publishAll(other, topic, 5);

    await eventually(() => expect(other.texts().slice(-5)).toEqual(['1', '2', '3', '4', '5']), { timeoutMs: 1_500 });
  });

  it('asks for nothing while a group is paused, and goes on after', async () => {
    const { bus, topic } = await start();
    await publishAll(bus, topic, 3);
    await eventually(() => expect(bus.deliveries).toHaveLength(3));
    bus.transport.pause('billing');
    await sleep(700);
    await publishAll(bus, topic, 3);
    await sleep(700);
    expect(bus.deliveries).toHaveLength(3);
    expect(await view.left(topic, 'billing')).toEqual([3, 0]);

    bus.transport.resume('billing');
    await eventually(() => expect(bus.deliveries).toHaveLength(6));
  });

  it('delivers nothing after it stopped fetching, and loses nothing', async () => {
    const { bus, topic } = await start({ harness: { creditMessages: 5_000, onDelivery: keep } });
    const publishing = publishAll(bus, topic, 3_000);
    await eventually(() => expect(bus.deliveries.length).toBeGreaterThan(10));
    await bus.transport.stopFetching();
    const delivered = bus.deliveries.length;
    await publishing;
    await sleep(600);
    expect(bus.deliveries).toHaveLength(delivered);

    for (const delivery of bus.deliveries) bus.settle(delivery);
    await bus.transport.closeConsumers();
    const { bus: next } = await start({ topic });
    await eventually(() => expect(next.deliveries.length + delivered).toBe(3_000));
    expect(new Set([...bus.texts(), ...next.texts()]).size).toBe(3_000);
    await eventually(async () => expect(await view.left(topic, 'billing')).toEqual([0, 0]));
  });

  it('begins where the group was told to, and warns when it exists since before', async () => {
    const { bus: before, topic } = await start({ subscribe: { group: 'early' } });
    await publishAll(before, topic, 3);
    await sleep(20);
    const since = new Date();
    await sleep(20);
    await publishAll(before, topic, 2);

    const { bus: dated } = await start({ topic, subscribe: { group: 'dated', startFrom: since } });
    const { bus: late } = await start({ topic, subscribe: { group: 'late', startFrom: 'latest' } });
    await before.publish(`${topic}.a`, 'new');
    await eventually(() => expect(dated.texts()).toEqual(['1', '2', 'new']));
    await eventually(() => expect(late.texts()).toEqual(['new']));
    await late.close();

    const { bus: again } = await start({ topic, subscribe: { group: 'late', startFrom: 'earliest' } });
    await before.publish(`${topic}.a`, 'newer');
    await eventually(() => expect(again.texts()).toEqual(['newer']));
    expect(again.logged('warn').filter((line) => line.includes('startFrom'))).toHaveLength(1);
    expect(dated.logged('warn')).toEqual([]);
  });

  it('brings what patterns match, once, and changes with them', async () => {
    const { bus, topic } = await start({ patterns: ['T.*.placed', 'T.eu.>', 'T.eu.placed'].map((p) => p), topic: 'T' });
    const publish = (names: readonly string[]) =>
      Promise.all(names.map((name) => bus.publish(`${topic}.${name}`, name)));
    await publish(['eu.placed', 'us.placed', 'us.gone', 'eu.gone', 'eu.a.b']);
    await eventually(async () => expect(await view.left(topic, 'billing')).toEqual([0, 0]));
    expect(bus.texts().toSorted()).toEqual(['eu.a.b', 'eu.gone', 'eu.placed', 'us.placed']);
    await bus.close();

    const { bus: next } = await start({ topic, patterns: ['T.us.gone'] });
    await Promise.all(['us.gone', 'us.placed'].map((name) => next.publish(`${topic}.${name}`, name)));
    await eventually(() => expect(next.texts()).toContain('us.gone'));
    await eventually(async () => expect(await view.left(topic, 'billing')).toEqual([0, 0]));
    expect(next.texts()).not.toContain('us.placed');
  });

  it('reads two streams with one group, and wildcards bring no dead letters', async () => {
    const [one, two] = [unique('one'), unique('two')];
    const streams = [one, two].map((name) => ({ name, subjects: [`${name}.>`] }));
    const { bus } = await start({ patterns: ['>'], nats: { streams } });
    await bus.publish(`${one}.a`, '1');
    await bus.publish(`${two}.a`, '2');
    await bus.publish(`dead.billing.${one}.a`, 'dead', { dead: true });

    await eventually(() => expect(bus.texts().toSorted()).toEqual(['1', '2']));
    expect(new Set(bus.assigned.map(({ name }) => name))).toEqual(new Set([`billing/${one}`, `billing/${two}`]));
    await sleep(200);
    expect(bus.deliveries).toHaveLength(2);
  });

  it('takes the pin back from whoever pulls without a claim, and keeps the order', async () => {
    if (version === '2.9.10') return; // no pins there
    const { bus, topic } = await start();
    await publishAll(bus, topic, 2);
    await eventually(() => expect(bus.texts()).toEqual(['1', '2']));
    bus.transport.pause(undefined);
    await view.manager.consumers.unpin(topic, 'billing', 'owner');
    let pin: string | undefined;
    const pull = (): void => {
      const request = { batch: 1, expires: 400e6, group: 'owner', ...(pin === undefined ? {} : { id: pin }) };
      const next = `$JS.API.CONSUMER.MSG.NEXT.${topic}.billing`;
      view.connection.publish(next, JSON.stringify(request), { reply: 'intruder.inbox' });
    };
    const intruder = view.connection.subscribe('intruder.inbox', {
      callback: (_error, message) => {
        pin ??= message.headers?.get('Nats-Pin-Id') || undefined;
      },
    });
    pull();
    await bus.publish(`${topic}.a`, 'to the intruder');
    await eventually(() => expect(pin).toBeDefined());
    const pulling = setInterval(pull, 200); // it keeps its pin for as long as the server lets it
    open.push({ close: () => Promise.resolve(clearInterval(pulling)) });
    bus.transport.resume(undefined);
    await bus.publish(`${topic}.a`, 'after it');

    await eventually(() => expect(bus.texts()).toEqual(['1', '2', 'to the intruder', 'after it']));
    expect(bus.lost).toEqual([]);
    intruder.unsubscribe();
  });

  it('says what it is doing', async () => {
    const name = unique('t');
    const streams = [{ name, subjects: [`${name}.>`], maxMessages: 100 }];
    const { bus, topic } = await start({ topic: name, nats: { streams }, harness: { onDelivery: keep } });
    await publishAll(bus, topic, 2);
    await eventually(() => expect(bus.deliveries).toHaveLength(2));
    await eventually(() => expect(bus.transport.details()['streams']).toHaveLength(2));
    expect(bus.transport.details()).toMatchObject({
      server: { version },
      streams: expect.arrayContaining([
        { name: topic, messages: expect.any(Number), bytes: expect.any(Number), fill: expect.any(Number) },
      ]),
      consumers: [{ name: `billing/${topic}`, stream: topic, durable: 'billing', phase: 'running', inHand: 2 }],
    });
    expect(bus.assigned[0]).toMatchObject({ group: 'billing', progress: { lag: 0 } });
  });
});
