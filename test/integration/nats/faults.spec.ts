import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/transport/transport.js';
import type { NatsTransportOptions } from '../../../lib/transports/nats/index.js';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { BrokerView } from './support/broker-view.js';
import { DeafMaker } from './support/deaf-maker.js';
import { Harness, type HarnessOptions, subscription } from './support/harness.js';
import { Lanes } from './support/lanes.js';
import { Load } from './support/load.js';
import { judge } from './support/oracle.js';
import { Proxy } from './support/proxy.js';

const options = (url: string): NatsTransportOptions => ({
  connection: { servers: url, reconnectDelayMs: 20 },
  streams: [{ name: 'FAULTS', subjects: ['faults.>'] }],
  ackWaitMs: 1_500,
  memberTtlMs: 3_000,
  pullExpiryMs: 500,
});

describe.each(SUPPORTED_NATS_VERSIONS)('faults, nats-server %s', (version) => {
  let server: NatsServer;
  let folder: string;

  beforeEach(async () => {
    server = await startNats({ version });
    folder = mkdtempSync(join(tmpdir(), 'eventbus-faults-'));
  });
  afterEach(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Handles in this process, one of a key at a time, and keeps the record the oracle reads. */
  async function handling(url: string): Promise<{ bus: Harness; file: string }> {
    const file = join(folder, 'handled.log');
    writeFileSync(file, '');
    const lanes = new Lanes();
    const onDelivery: NonNullable<ConstructorParameters<typeof Harness>[0]['onDelivery']> = (delivery, bus) => {
      const event = Buffer.from(delivery.message.body ?? '').toString();
      lanes.submit(event.split(' ')[0] ?? '', async () => {
        appendFileSync(file, `S one ${event}\n`);
        await sleep(Math.random() * 20);
        appendFileSync(file, `E one ${event}\n`);
        bus.settle(delivery);
      });
    };
    const bus = await Harness.start({ transport: options(url), creditMessages: 512, onDelivery }, [
      subscription('billing', ['faults.>'], { ordering: 'key' }),
    ]);
    return { bus, file };
  }

  it('keeps order per key when the connection is cut in mid-stream', async () => {
    const proxy = await Proxy.to(server.port);
    const { bus, file } = await handling(proxy.url);
    const publisher = await Harness.start({ transport: options(server.url) });
    const view = await BrokerView.open(server.url);
    const load = new Load(publisher, { topic: 'faults.placed', keys: 20, perSecond: 1_200 });
    for (let cuts = 0; cuts < 4; cuts++) {
      await sleep(400);
      await proxy.cut(30);
    }
    await sleep(300);
    const published = await load.stop();
    await eventually(async () => expect(await view.left('FAULTS', 'billing')).toEqual([0, 0]), { timeoutMs: 25_000 });
    await Promise.all([bus.close(), publisher.close(), view.close()]);
    await proxy.close();

    expect(judge(file, published)).toMatchObject({ lost: 0, orderViolations: 0, overlaps: 0, duplicates: 0 });
    expect(bus.statuses.filter(({ state }) => state === 'disconnected').length).toBeGreaterThanOrEqual(4);
  }, 60_000);

  it('loses nothing, and handles nothing twice, when the server is killed in mid-stream', async () => {
    const { bus, file } = await handling(server.url);
    const published = new Map<string, number>();
    for (let n = 1; n <= 300; n++) {
      await Promise.all(
        Array.from({ length: 10 }, (_, k) => bus.publish('faults.placed', `k${k} ${n}`, { key: `k${k}` })),
      );
    }
    for (let k = 0; k < 10; k++) published.set(`k${k}`, 300);
    for (let kills = 0; kills < 2; kills++) {
      await sleep(200);
      await server.kill();
      await server.restart();
    }
    const view = await BrokerView.open(server.url);
    await eventually(async () => expect(await view.left('FAULTS', 'billing')).toEqual([0, 0]), { timeoutMs: 25_000 });
    await view.close();
    await bus.close();

    expect(judge(file, published)).toMatchObject({ lost: 0, orderViolations: 0, overlaps: 0, duplicates: 0 });
  }, 60_000);

  it('answers every outstanding publish once when the connection goes, and the ones after it as unsent', async () => {
    const proxy = await Proxy.to(server.port);
    const bus = await Harness.start({ transport: options(proxy.url) });
    const cut = proxy.cut(50);
    const out = await Promise.all(Array.from({ length: 100 }, (_, i) => bus.publish('faults.a', `${i}`)));
    await cut;
    await proxy.close();
    await eventually(() => expect(bus.transport.status.state).not.toBe('connected'));
    const after = await bus.publish('faults.a', 'after');

    expect(new Set(out.map(({ how }) => how))).toEqual(new Set(['unknown']));
    expect(after).toMatchObject({ how: 'unsent', error: { code: 'EVENT_BUS_NOT_CONNECTED' } });
    await bus.close();
    expect(bus.surplusAnswers).toEqual([]);
    expect(bus.handles.list()).toEqual([]);
  });

  it('closes when the connection is cut at that moment: nothing waits for what can not come any more', async () => {
    const proxy = await Proxy.to(server.port);
    const { bus } = await handling(proxy.url);
    await proxy.close();
    await bus.close();

    expect(bus.handles.list()).toEqual([]);
  });

  it('connects by itself when the broker comes after the application', async () => {
    await server.stop();
    const bus = new Harness({ transport: options(server.url) });
    const connected = bus.transport.connect();
    await eventually(() => expect(bus.transport.status).toMatchObject({ error: { code: 'EVENT_BUS_NOT_CONNECTED' } }));
    await server.restart();
    await connected;
    await bus.transport.prepare([]);

    expect(await bus.publish('faults.a', 'x')).toMatchObject({ how: 'confirmed' });
    await bus.close();
  });

  it('makes a stream in memory again, and goes on, when the server has lost it', async () => {
    const transport: NatsTransportOptions = {
      ...options(server.url),
      streams: [{ name: 'VOLATILE', subjects: ['volatile.>'], storage: 'memory' }],
    };
    const bus = await Harness.start({ transport }, [subscription('billing', ['volatile.>'], { ordering: 'key' })]);
    await bus.publish('volatile.a', 'before');
    await eventually(() => expect(bus.texts()).toEqual(['before']));
    await server.restart();

    await eventually(async () => expect(await bus.publish('volatile.a', 'after')).toMatchObject({ how: 'confirmed' }));
    await eventually(() => expect(bus.texts()).toEqual(['before', 'after']));
    await bus.close();
  });

  it('begins anew with a stream that was deleted and made again, also when it has more events by now', async () => {
    const bus = await Harness.start({ transport: options(server.url) }, [
      subscription('billing', ['faults.>'], { ordering: 'key' }),
    ]);
    const view = await BrokerView.open(server.url);
    for (const n of ['1', '2', '3']) await bus.publish('faults.a', n);
    await eventually(() => expect(bus.texts()).toEqual(['1', '2', '3']));
    const { config } = await view.stream('FAULTS');
    await view.manager.streams.delete('FAULTS');
    await view.manager.streams.add(config);
    const later = Array.from({ length: 6 }, (_, n) => `new ${n}`);
    for (const text of later) await view.connection.request('faults.a', text);

    await eventually(() => expect(bus.texts()).toEqual(['1', '2', '3', ...later]), { timeoutMs: 15_000 });
    await bus.close();
    await view.close();
  });

  it('begins anew after a reconnect when stream and durable were made again meanwhile, past where it was', async () => {
    const proxy = await Proxy.to(server.port);
    const old: Delivery[] = [];
    const onDelivery: HarnessOptions['onDelivery'] = (delivery, one) => {
      if (one.textOf(delivery).startsWith('old')) old.push(delivery);
      else one.settle(delivery);
    };
    const bus = await Harness.start({ transport: options(proxy.url), onDelivery }, [
      subscription('billing', ['faults.>'], { ordering: 'key' }),
    ]);
    const view = await BrokerView.open(server.url);
    for (const n of ['1', '2', '3']) await bus.publish('faults.a', `old ${n}`);
    await eventually(() => expect(old).toHaveLength(3));
    const [stream, durable] = [await view.stream('FAULTS'), await view.consumer('FAULTS', 'billing')];
    proxy.silence();
    await view.manager.streams.delete('FAULTS');
    await view.manager.streams.add(stream.config);
    const { priority_groups: _, priority_policy: __, priority_timeout: ___, ...config } = durable.config;
    await view.manager.consumers.add('FAULTS', config);
    for (const n of ['1', '2', '3']) await view.connection.request('faults.a', `new ${n}`);
    const somebody = await view.manager.jetstream().consumers.get('FAULTS', 'billing');
    const taken: number[] = [];
    for await (const { seq } of await somebody.fetch({ max_messages: 3, expires: 1_000 })) taken.push(seq);
    expect(taken).toHaveLength(3);
    expect(await view.left('FAULTS', 'billing')).toEqual([0, 3]);
    proxy.sever();
    await eventually(() => expect(bus.lost).toHaveLength(1));
    for (const delivery of old) bus.settle(delivery); // of a stream that is no more: these sequences are other events now

    const news = (): string[] => bus.texts().filter((text) => text.startsWith('new'));
    await eventually(() => expect(news()).toEqual(['new 1', 'new 2', 'new 3']), { timeoutMs: 15_000 });
    await bus.close();
    await proxy.close();
    await view.close();
  });

  it('revives a consumer that is connected but deaf, counts that, and goes on in order', async () => {
    const wire = new DeafMaker();
    const proxy = await Proxy.to(server.port, wire);
    const bus = await Harness.start({ transport: { ...options(proxy.url), memberTtlMs: 10_000 } }, [
      subscription('billing', ['faults.>'], { ordering: 'key' }),
    ]);
    const publisher = await Harness.start({ transport: options(server.url) });
    const revivals = (): unknown => Object(bus.transport.details()['consumers'])[0].revivals;
    await publisher.publish('faults.a', '1');
    await eventually(() => expect(bus.texts()).toEqual(['1']));
    const view = await BrokerView.open(server.url);
    await eventually(async () => {
      const { num_waiting } = await view.manager.consumers.info('FAULTS', 'billing');
      expect(num_waiting, 'pulls at the server').toBe(1); // the first event may have come with a take-over's own pull
    });
    wire.deafen();
    for (const n of ['2', '3', '4']) await publisher.publish('faults.a', n);

    await eventually(() => expect(bus.texts()).toEqual(['1', '2', '3', '4']), { timeoutMs: 20_000 });
    expect(revivals()).toBe(1);
    expect(bus.logged('warn').join()).toContain('was connected but deaf; set up again');
    expect(bus.lost).toEqual([]);
    await Promise.all([bus.close(), publisher.close(), view.close()]);
    await proxy.close();
  }, 60_000);

  it('makes a durable again that was deleted, and goes on where it was', async () => {
    const bus = await Harness.start({ transport: options(server.url) }, [
      subscription('billing', ['faults.>'], { ordering: 'key' }),
    ]);
    const view = await BrokerView.open(server.url);
    await bus.publish('faults.a', '1');
    await bus.publish('faults.a', '2');
    await eventually(() => expect(bus.texts()).toEqual(['1', '2']));
    await view.manager.consumers.delete('FAULTS', 'billing');
    await bus.publish('faults.a', '3');

    await eventually(() => expect(bus.texts()).toEqual(['1', '2', '3']));
    expect(bus.lost).toHaveLength(1);
    await bus.close();
    await view.close();
  });
});
