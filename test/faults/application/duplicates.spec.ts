import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kafkaTransport } from 'nestjs-eventbus/kafka';
import { natsTransport } from 'nestjs-eventbus/nats';
import type { PublishResult, TransportFactory } from 'nestjs-eventbus';
import { UnrecoverableError } from 'nestjs-eventbus';
import { ContractApp } from '../../../lib/testing/contract/contract-app.js';
import { keysOf } from '../../../lib/testing/contract/tools.js';
import { freePort, startKafka, startNats } from '../../support/brokers.js';
import { type FaultEnvironment, KAFKA, kafkaFaults, NATS, natsFaults, TRANSPORTS } from './support/environment.js';
import { FaultTools, useFaults } from './support/fault-tools.js';
import { LosingProxy } from './support/losing-proxy.js';

const KEYS = keysOf(10);

/** A broker whose answers can be lost on the way to who publishes; everybody else reaches it directly. */
interface Lossy {
  readonly proxy: LosingProxy;
  readonly faults: FaultEnvironment;
  readonly publishing: TransportFactory;
  close(): Promise<void>;
}

async function lossyNats(): Promise<Lossy> {
  const server = await startNats();
  const proxy = await LosingProxy.to(server.port);
  const faults = await natsFaults(server.url);
  const close = async (): Promise<void> => {
    await proxy.close();
    await faults.close();
    await server.remove();
  };
  return { proxy, faults, close, publishing: natsTransport({ connection: { servers: proxy.address } }) };
}

/** It says of itself that it is where the proxy is, to clients of one of its two listeners. */
async function lossyKafka(): Promise<Lossy> {
  const [outside, inside] = [await freePort(), await freePort()];
  const kafka = await startKafka({
    properties: ({ port, controllerPort }) => ({
      listeners: `PLAINTEXT://127.0.0.1:${port},LOSSY://127.0.0.1:${inside},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},LOSSY://127.0.0.1:${outside}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOSSY:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
    }),
  });
  const proxy = await LosingProxy.to(inside, outside);
  const faults = await kafkaFaults(kafka.brokers);
  const close = async (): Promise<void> => {
    await proxy.close();
    await faults.close();
    await kafka.remove();
  };
  return {
    proxy,
    faults,
    close,
    publishing: kafkaTransport({ connection: { brokers: proxy.address, requestTimeoutMs: 2_000 } }),
  };
}

describe.each([
  { on: NATS, open: lossyNats },
  { on: KAFKA, open: lossyKafka },
])('F14: a confirm that is lost after the broker has stored the event, on $on.name', ({ on, open }) => {
  let lossy: Lossy;
  let tools: FaultTools;
  const apps: ContractApp[] = [];
  beforeEach(async () => {
    lossy = await open();
    tools = new FaultTools(lossy.faults, on);
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    await tools.close();
    await lossy.close();
  });

  it('is one event at the consumer where the broker can deduplicate, always has one id, and ends in one result', async () => {
    const { proxy, publishing } = lossy;
    const [topic, group] = [await tools.env.topic({ partitions: 1 }), tools.group()];
    const ids: string[] = [];
    const handle = tools.recorded(topic);
    const publisher = await ContractApp.start(publishing, { group: 'publisher', consume: false });
    apps.push(publisher);
    apps.push(
      await ContractApp.start(tools.env.transport(), {
        group,
        handlers: [{ on: topic, handle: (data, event) => (ids.push(event.id), handle(data, event)) }],
      }),
    );
    const publish = (n: number): Promise<PublishResult>[] =>
      KEYS.map(async (key) => {
        const [result] = await publisher.bus.publishMany([
          { topic, data: { key, n }, options: { key, id: `${key}-${n}` } },
        ]);
        if (result === undefined) throw new Error('There is no result.');
        tools.recorder.published({ topic, key, sequence: n }, result);
        return result;
      });
    await Promise.all(publish(1));
    await tools.handled(KEYS.length);

    proxy.loseAnswers();
    const struck = publish(2);
    await tools.handled(2 * KEYS.length);
    expect(proxy.lostBytes, 'bytes of confirms that were lost').toBeGreaterThan(0);
    expect(publisher.snapshot().ack.pending).toBe(KEYS.length);
    proxy.cut();
    const results = await Promise.all(struck);
    await Promise.all(publish(3));

    expect(results.map(({ id }) => id)).toEqual(KEYS.map((key) => `${key}-2`));
    if (on.capabilities.deduplicates) {
      for (const result of results) expect(result).toMatchObject({ outcome: 'confirmed', duplicate: true });
    }
    const duplicates = on.capabilities.deduplicates ? 0 : KEYS.length;
    const { verdict } = await tools.accountsForAll(topic, group, { deadLetters: 0, duplicates });
    expect(verdict.handled).toBe(3 * KEYS.length);
    expect(new Set(ids)).toEqual(new Set([1, 2, 3].flatMap((n) => KEYS.map((key) => `${key}-${n}`))));
  }, 40_000);
});

describe.each(TRANSPORTS)('F14: duplicate deliveries, on $name', (transport) => {
  const faults = useFaults(transport);

  it('have the same id each time, say that they may come again, and are no more than what was not settled at a crash', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic(), t.group()];
    const seen: string[] = [];
    const gate = t.gate();
    const start = (work: (n: number, signal: AbortSignal) => unknown) =>
      t.app({
        group,
        handlers: [
          {
            on: topic,
            handle: (data, event) => {
              seen.push(event.id);
              if (seen.length > KEYS.length * 4) expect(event.redelivered).not.toBe(false);
              return t.recorded(topic, ({ n }) => work(n, event.signal))(data, event);
            },
          },
        ],
      });
    const first = await start((n, signal) => (n > 3 ? gate.pass(signal) : undefined));
    await t.publishNumbered(first, topic, KEYS, 6);
    await t.eventually(() => expect(gate.waiting).toBe(KEYS.length));
    const before = t.recorder.completions;
    await first.crash();
    await start(() => undefined);

    const { verdict } = await t.accountsForAll(topic, group, { deadLetters: 0, duplicates: before });
    expect(verdict.handled).toBe(6 * KEYS.length);
    expect(seen.length, 'deliveries').toBeGreaterThan(6 * KEYS.length);
    expect(new Set(seen).size, 'ids').toBe(6 * KEYS.length);
  });

  it('keeps apart the dead letters of two events that their senders gave the same id', async () => {
    const t = faults();
    const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
    const refuse = (): never => {
      throw new UnrecoverableError('refused');
    };
    await t.app({ group, handlers: [{ on: topic, handle: t.recorded(topic, refuse) }] });

    for (let n = 1; n <= 3; n += 1) {
      for (const key of ['a', 'b']) {
        const attributes = ['ce-', 'ce_'].flatMap((prefix) => [
          [`${prefix}id`, '1'] as const,
          [`${prefix}source`, key] as const,
        ]);
        const body = Buffer.from(JSON.stringify({ key, n }));
        await t.produce(topic, { key, n }, { body, headers: [...attributes, ['content-type', 'application/json']] });
      }
    }

    await t.accountsForAll(topic, group, { deadLetters: 6 });
  });
});
