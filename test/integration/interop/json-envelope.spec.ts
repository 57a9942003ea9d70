import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InvalidEventError, jsonEnvelopeCodec, type PublishOptions } from 'nestjs-eventbus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaBroker, natsServer } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { type Handled, only, startOurs, transports } from './support/buses.js';
import { ForeignKafka } from './support/foreign-kafka.js';
import { ForeignNats } from './support/foreign-nats.js';

const PROGRAM = fileURLToPath(new URL('../../fixtures/go-envelope', import.meta.url));
const hasGo = spawnSync('go', ['version']).status === 0;
const GO_TIMEOUT_MS = 180_000;

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACE = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

/** What the Go program wrote, and what our handler is to be given of it. */
const WRITTEN_BY_GO = {
  minimal: {
    data: { aggregate: 'aggregate-0', version: 1 },
    id: 'aggregate-0:TestEvent:1:1772600767123456789',
    type: 'TestEvent',
    key: 'aggregate-0',
    version: 1,
    time: '2026-03-04T05:06:07.123456789Z',
    tenantId: undefined,
    correlationId: undefined,
    traceId: undefined,
  },
  full: {
    data: { lines: [{ sku: 'a<b>&c', price: 12.5 }, null], paid: true },
    id: '0195-full',
    type: 'orders.placed',
    key: 'order-7',
    version: 12,
    time: '2026-03-04T05:06:07Z',
    tenantId: 'acme',
    correlationId: 'checkout-1',
    traceId: TRACE_ID,
  },
  unicode: {
    data: 'line\u2028separator\0 😀',
    id: 'id-3',
    type: 'typ.ä',
    key: 'Größe/€/😀',
    version: 3,
    time: '2026-03-04T07:06:07.123456789+02:00',
    tenantId: 'müller "& Söhne"',
    correlationId: undefined,
    traceId: undefined,
  },
  'null-payload': {
    data: null,
    id: 'id-4',
    type: 't',
    key: 'k',
    version: 1,
    time: '2026-03-04T05:06:07.123456789Z',
    tenantId: 'acme',
    correlationId: undefined,
    traceId: undefined,
  },
};
const NAMES = ['minimal', 'full', 'unicode', 'null-payload'] as const;

/** What is published by us, and as what the Go program is to read it. */
const PUBLISHED: { readonly data: unknown; readonly options: PublishOptions; readonly read: readonly string[] }[] = [
  {
    data: { total: 12.5, text: 'a<b>&c ✓' },
    options: {
      id: 'event-1',
      key: 'order-7',
      type: 'orders.placed',
      version: 2,
      tenantId: 'müller',
      time: '2026-03-04T05:06:07.5Z',
      causedBy: { id: 'c', correlationId: 'checkout-1', traceparent: TRACE },
    },
    read: [
      'event-1',
      'order-7',
      'orders.placed',
      '2',
      '2026-03-04T05:06:07.5Z',
      TRACE_ID,
      'checkout-1',
      'müller',
      '{"total":12.5,"text":"a<b>&c ✓"}',
    ],
  },
  {
    data: null,
    options: { id: 'event-2', key: 'größe', type: 't', version: 1, tenantId: 'acme', time: '2026-03-04T05:06:07Z' },
    read: ['event-2', 'größe', 't', '1', '2026-03-04T05:06:07Z', '', '', 'acme', 'null'],
  },
];

function body(name: string): Buffer {
  return readFileSync(`${PROGRAM}/bodies/${name}.json.golden`);
}

function mirroredHeaders(name: string): Record<string, string> {
  return JSON.parse(readFileSync(`${PROGRAM}/bodies/${name}.headers.json.golden`, 'utf8'));
}

function understood({ data, event }: Handled) {
  const { id, type, key, time, tenantId, correlationId } = event;
  const { version } = event.envelope;
  return { data, id, type, key, version, time, tenantId, correlationId, traceId: event.headers['X-Trace-ID'] };
}

/** As the Go program, which takes no unknown field, understands these bodies. */
function readByGo(bodies: readonly Buffer[]): string[][] {
  const input = bodies.map((one) => `${one.toString()}\n`).join('');
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' };
  const output = execFileSync('go', ['run', '.', 'read'], { cwd: PROGRAM, input, env, encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((line): string[] => JSON.parse(line));
}

const kafkaVersion = (await kafkaBroker()).version;
const natsVersion = (await natsServer()).version;

describe(`the JSON envelope of a Go service, on Kafka ${kafkaVersion}`, () => {
  let foreign: ForeignKafka;
  beforeAll(async () => {
    foreign = await ForeignKafka.connect();
  });
  afterAll(() => foreign.close());

  it.each(NAMES)('handles what Go wrote, with its headers and without: %s', async (name) => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic, jsonEnvelopeCodec());
    const { key } = WRITTEN_BY_GO[name];
    await foreign.send(topic, { key, value: body(name), headers: mirroredHeaders(name) });
    await foreign.send(topic, { key, value: body(name) });

    const handled = await ours.next(2);
    expect(handled.map(understood)).toEqual([WRITTEN_BY_GO[name], WRITTEN_BY_GO[name]]);
  });

  it('is read by a plain kafkajs client: key, mirrored headers and body', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic, jsonEnvelopeCodec());
    const { data, options } = PUBLISHED[0]!;
    await ours.bus.publish(topic, data, { ...options, headers: { 'x-own': 'grün' } });

    const messages = await foreign.read(topic);
    await eventually(() => expect(messages).toHaveLength(1), { timeoutMs: 20_000 });
    const [message] = messages;
    expect(message?.headers).toEqual({
      'X-Event-ID': 'event-1',
      'X-Aggregate-ID': 'order-7',
      'X-Event-Type': 'orders.placed',
      'X-Event-Version': '2',
      'X-Trace-ID': TRACE_ID,
      'X-Correlation-ID': 'checkout-1',
      'X-Tenant-ID': 'müller',
      'X-Causation-ID': 'c',
      'x-own': 'grün',
      traceparent: TRACE,
    });
    expect(String(message?.key)).toBe('order-7');
    expect(JSON.parse(String(message?.value))).toEqual({
      event_id: 'event-1',
      aggregate_id: 'order-7',
      event_type: 'orders.placed',
      event_version: 2,
      timestamp: '2026-03-04T05:06:07.5Z',
      trace_id: TRACE_ID,
      correlation_id: 'checkout-1',
      tenant_id: 'müller',
      payload: data,
    });
    expect(only(await ours.next()).data).toEqual(data);
  });

  it.skipIf(!hasGo)(
    'is read by the Go program, which takes no unknown field',
    async () => {
      const topic = await foreign.topic();
      const ours = await startOurs(transports.kafka(foreign.brokers), topic, jsonEnvelopeCodec());
      const messages = await foreign.read(topic);
      for (const [index, { data, options }] of PUBLISHED.entries()) {
        await ours.bus.publish(topic, data, options);
        await eventually(() => expect(messages).toHaveLength(index + 1), { timeoutMs: 20_000 });
      }
      const bodies = messages.map(({ value }) => value ?? Buffer.alloc(0));
      expect(readByGo(bodies)).toEqual(PUBLISHED.map(({ read }) => read));
    },
    GO_TIMEOUT_MS,
  );

  it.each(['key', 'version', 'tenantId'] as const)('refuses an event without %s, and says so', async (missing) => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic, jsonEnvelopeCodec());
    const publish = ours.bus.publish(topic, 1, { ...PUBLISHED[0]!.options, [missing]: undefined });
    await expect(publish).rejects.toThrow(InvalidEventError);
    await expect(publish).rejects.toMatchObject({ code: 'EVENT_BUS_INVALID_EVENT', field: missing });
  });
});

describe(`the JSON envelope of a Go service, on nats-server ${natsVersion}`, () => {
  let foreign: ForeignNats;
  beforeAll(async () => {
    foreign = await ForeignNats.connect();
  });
  afterAll(() => foreign.close());

  it.each(NAMES)('handles what Go wrote: %s', async (name) => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(foreign.url), topic, jsonEnvelopeCodec());
    await foreign.connection.jetstream().publish(topic, body(name));

    expect(understood(only(await ours.next()))).toEqual(WRITTEN_BY_GO[name]);
  });

  it.skipIf(!hasGo)(
    'is read by the Go program, which takes no unknown field',
    async () => {
      const topic = await foreign.topic();
      const ours = await startOurs(transports.nats(foreign.url), topic, jsonEnvelopeCodec());
      for (const { data, options } of PUBLISHED) await ours.bus.publish(topic, data, options);

      const messages = await foreign.read(topic, PUBLISHED.length);
      expect(readByGo(messages.map((message) => message.body))).toEqual(PUBLISHED.map(({ read }) => read));
      expect(messages[0]?.headers).toEqual({
        'Nats-Msg-Id': 'event-1',
        'X-Causation-ID': 'c',
        traceparent: TRACE,
      });
    },
    GO_TIMEOUT_MS,
  );
});
