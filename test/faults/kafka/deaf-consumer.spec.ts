import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { diagnostics, type RevivalDiagnostic } from '../../../lib/core/diagnostics.js';
import { TestBus, type TestBusOptions, createTopic } from '../../integration/kafka/harness.js';
import { KafkaProxy } from '../../integration/kafka/proxy.js';
import { type KafkaServer, startKafka } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';

const DEAF_AFTER_MS = 1_500;

describe('A consumer that is connected, alive for its group, and gets nothing', () => {
  let kafka: KafkaServer;
  let proxy: KafkaProxy;
  const open: TestBus[] = [];
  const revivals: RevivalDiagnostic[] = [];
  const heard = (report: unknown): void => void revivals.push(report as RevivalDiagnostic);

  beforeAll(async () => {
    const opened = await KafkaProxy.open();
    proxy = opened.proxy;
    const advertised = `PLAINTEXT://127.0.0.1:${opened.port}`;
    kafka = await startKafka({
      properties: { 'advertised.listeners': advertised, 'group.min.session.timeout.ms': 500 },
    });
    proxy.forwardTo(kafka.port);
    diagnostics.revival.subscribe(heard);
  });
  afterEach(async () => {
    proxy.deafen('nobody');
    await Promise.all(open.splice(0).map((bus) => bus.stop()));
    revivals.length = 0;
  });
  afterAll(async () => {
    diagnostics.revival.unsubscribe(heard);
    await proxy.close();
    await kafka.remove();
  });

  async function consumer(options: Partial<TestBusOptions> = {}) {
    const topic = unique('orders');
    const group = unique('billing');
    await createTopic(kafka.brokers, topic, 2);
    const connection = { brokers: kafka.brokers };
    const bus = new TestBus({
      transport: { connection, sessionTimeoutMs: 3_000, heartbeatIntervalMs: 200, deafAfterMs: DEAF_AFTER_MS },
      ...options,
    });
    open.push(bus);
    await bus.start({ group, patterns: [topic] });
    await bus.publish(topic, 'before', { key: 'a' });
    await eventually(() => expect(bus.bodies).toEqual(['before']));
    return { bus, topic, group };
  }

  it('is replaced, counted and logged, and the events come, each once', async () => {
    const { bus, topic, group } = await consumer();
    const { generation, restarts } = bus.group(group); // a broker that has just begun may cost the first member its start
    proxy.deafen('who fetches now');
    for (let i = 0; i < 20; i += 1) await bus.publish(topic, `event ${i}`, { key: `k${i}` });

    await eventually(() => expect(bus.deliveries).toHaveLength(21), { timeoutMs: 15_000 });
    expect(new Set(bus.bodies).size).toBe(21);
    expect(bus.group(group)).toMatchObject({ revivals: 1, restarts });
    expect(bus.group(group)['generation']).not.toBe(generation);
    const [report] = revivals;
    expect(report).toMatchObject({ bus: 'test', transport: 'kafka', group, revivals: 1 });
    expect(report?.silentMs).toBeGreaterThanOrEqual(DEAF_AFTER_MS);
    const warnings = bus.log.filter(({ level, message }) => level === 'warn' && message.includes('gets nothing'));
    expect(warnings.map(({ fields }) => fields['group'])).toEqual([group]);
  });

  it('is left alone while there is nothing to get, while it is paused, and while it has no room', async () => {
    const quiet = await consumer();
    const paused = await consumer();
    paused.bus.transport.pause(paused.group);
    let room = true;
    const full = await consumer({
      credit: () => ({ messages: room ? 100 : 0, bytes: 1_000_000 }),
    });
    room = false;
    await paused.bus.publish(paused.topic, 'waits', { key: 'a' });
    await full.bus.publish(full.topic, 'waits', { key: 'a' });
    await sleep(3 * DEAF_AFTER_MS);
    for (const { bus, group } of [quiet, paused, full]) expect(bus.group(group)['revivals']).toBe(0);
    expect(revivals).toEqual([]);
  });

  it('is replaced less and less often while that does not help', async () => {
    const { bus, topic, group } = await consumer();
    proxy.deafen('everybody');
    await bus.publish(topic, 'unheard', { key: 'a' });
    await eventually(() => expect(bus.group(group)['revivals']).toBe(2), { timeoutMs: 20_000 });
    const [first, second] = revivals;
    expect(first?.silentMs).toBeGreaterThanOrEqual(DEAF_AFTER_MS);
    expect(second?.silentMs).toBeGreaterThanOrEqual(2 * DEAF_AFTER_MS);
    proxy.deafen('nobody');
    await eventually(() => expect(bus.bodies).toContain('unheard'), { timeoutMs: 20_000 });
  });
});
