import { createHash, randomBytes } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type NatsTransportOptions, readDeadLetter } from '../../../lib/transports/nats/index.js';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { unique } from '../../support/unique.js';
import { BrokerView } from './support/broker-view.js';
import { Harness, subscription } from './support/harness.js';

describe.each(SUPPORTED_NATS_VERSIONS)('publishing, nats-server %s', (version) => {
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

  async function start(extra: Partial<NonNullable<NatsTransportOptions['streams']>[number]> = {}, patterns?: string[]) {
    const topic = unique('t');
    const streams = [{ name: topic, subjects: [`${topic}.>`], ...extra }];
    const transport = { connection: { servers: server.url }, streams };
    const bus = await Harness.start(
      { transport },
      patterns === undefined ? [] : [subscription(`g-${topic}`, patterns)],
    );
    open.push(bus);
    return { bus, topic, stream: topic };
  }

  it('says that an id was there already, and stores it once', async () => {
    const { bus, topic, stream } = await start();
    const first = await bus.publish(`${topic}.a`, 'x', { id: 'the-id' });
    const second = await bus.publish(`${topic}.a`, 'x', { id: 'the-id' });

    expect([first, second]).toMatchObject([
      { how: 'confirmed', position: { stream, sequence: 1 }, duplicate: false },
      { how: 'confirmed', position: { stream, sequence: 1 }, duplicate: true },
    ]);
    expect((await view.stream(stream)).state.messages).toBe(1);
  });

  it('asks the API for nothing while it publishes', async () => {
    const { bus, topic } = await start();
    const requests: string[] = [];
    const watch = view.connection.subscribe('$JS.API.>', {
      callback: (_error, message) => void requests.push(message.subject),
    });
    await view.connection.flush();
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => bus.publish(`${topic}.${i % 7}`, 'x')));
    watch.unsubscribe();

    expect(requests).toEqual([]);
  });

  it('rejects at once, and says that trying again may help, when the stream is full', async () => {
    const { bus, topic } = await start({ maxMessages: 2 });
    await bus.publish(`${topic}.a`, '1');
    await bus.publish(`${topic}.a`, '2');

    expect(await bus.publish(`${topic}.a`, '3')).toMatchObject({
      how: 'rejected',
      error: { code: 'EVENT_BUS_PUBLISH_REJECTED', retryable: true },
    });
  });

  it('rejects what is larger than the server or the stream takes', async () => {
    const { bus, topic } = await start({ maxMessageBytes: 1_000 });
    const error = { code: 'EVENT_BUS_MESSAGE_TOO_LARGE' };

    expect(await bus.publish(`${topic}.a`, 'x'.repeat(2_000))).toMatchObject({ how: 'rejected', error });
    expect(await bus.publish(`${topic}.a`, 'x'.repeat(5_000_000))).toMatchObject({ how: 'rejected', error });
    expect(await bus.publish(`${topic}.a`, 'x'.repeat(500))).toMatchObject({ how: 'confirmed' });
  });

  it('says unsent while no stream takes the topic', async () => {
    const { bus } = await start();
    expect(await bus.publish(unique('nowhere'), 'x')).toMatchObject({
      how: 'unsent',
      error: { code: 'EVENT_BUS_TOPIC_MISSING' },
    });
  });

  it('takes no other subscriber for the server', async () => {
    const { bus, topic, stream } = await start();
    const replying = view.connection.subscribe(`${topic}.>`, {
      callback: (_error, message) => {
        for (const reply of ['', '{"err":"no"}', '{"response":1,"isDisposed":true}']) message.respond(reply);
      },
    });
    await view.connection.flush();

    expect(await bus.publish(`${topic}.a`, 'x')).toMatchObject({ how: 'confirmed', position: { stream, sequence: 1 } });
    replying.unsubscribe();
  });

  it('sends headers as they are, and none that write into the protocol or order the server about', async () => {
    const { bus, topic, stream } = await start({}, undefined);
    const binary = Buffer.from([0x61, 0xff, 0x62]);
    const answer = await bus.publish(`${topic}.a`, 'x', {
      headers: [
        ['ce-id', 'a: b, "c"'],
        ['snow', 'Zürich ☃'],
        ['twice', '1'],
        ['twice', '2'],
        ['raw', binary],
      ],
    });
    expect(answer).toMatchObject({ how: 'confirmed' });
    const stored = await view.manager.streams.getMessage(stream, { seq: 1 });
    expect(stored?.header.get('snow')).toBe('Zürich ☃');
    expect(stored?.header.values('twice')).toEqual(['1', '2']);

    for (const header of [
      ['a\r\nNats-Rollup', 'all'],
      ['a', 'b\r\nNats-Rollup: all'],
      ['Nats-Rollup', 'all'],
      ['nats-ttl', '1'],
      ['a b', 'c'],
    ] as const) {
      expect(await bus.publish(`${topic}.a`, 'x', { headers: [header] })).toMatchObject({
        how: 'rejected',
        error: { code: 'EVENT_BUS_INVALID_HEADER' },
      });
    }
  });

  it('keeps keys out of subjects', async () => {
    const { bus, topic, stream } = await start({ partitions: 4 });
    const keys = ['a.b', 'a b', '*', '>', '', 'x'.repeat(10_000), 'Zürich', '\r\nPUB x 0\r\n'];
    const answers = await Promise.all(keys.map((key) => bus.publish(`${topic}.placed`, 'x', { key })));
    const { subjects = {} } = (await view.manager.streams.info(stream, { subjects_filter: '>' })).state;

    expect(answers.map(({ how }) => how)).toEqual(keys.map(() => 'confirmed'));
    for (const subject of Object.keys(subjects)) expect(subject).toMatch(new RegExp(`^([0-3]\\.)?${topic}\\.placed$`));
  });

  it('stores a dead letter that is too large in parts, which anybody can put together, and a handler gets whole', async () => {
    const { bus, topic } = await start({}, ['dead.>']);
    const body = randomBytes(3_500_000);
    const deadTopic = `dead.billing.${topic}`;
    const headers = [
      ['Eventbus-Reason', 'too much'],
      ['bad\r\nname', 'bad\r\nvalue'],
      ['Nats-Rollup', 'all'],
    ] as const;
    const seen: Msg[] = [];
    const watch = view.connection.subscribe(deadTopic, { callback: (_error, message) => void seen.push(message) });
    await view.connection.flush();
    const answer = await bus.publish(deadTopic, body, { id: 'e1:billing:A.b:dead', headers, dead: true });

    expect(answer).toMatchObject({ how: 'confirmed', position: { stream: 'DEAD_LETTERS' } });
    await eventually(() => expect(seen).toHaveLength(4));
    expect(seen.map(({ headers: one }) => [one?.get('Eventbus-Part'), one?.get('Nats-Msg-Id')])).toEqual(
      [1, 2, 3, 4].map((n) => [`${n}/4`, `e1:billing:A.b:dead:part-${n}`]),
    );
    const whole = readDeadLetter(
      seen.toReversed().map((one) => ({ headers: { get: (name) => one.headers?.get(name) }, body: one.data })),
    );
    expect(digest(whole.body)).toBe(digest(body));
    expect(whole.headers).toEqual([
      ['Nats-Msg-Id', 'e1:billing:A.b:dead'],
      ['Eventbus-Reason', 'too much'],
      ['bad__name', 'bad value'],
      ['Original-Nats-Rollup', 'all'],
    ]);

    await eventually(() => expect(bus.deliveries).toHaveLength(1));
    expect(digest(bus.deliveries[0]?.message.body ?? new Uint8Array(0))).toBe(digest(body));
    expect(bus.deliveries[0]?.message.headers.get('Eventbus-Reason')).toBe('too much');
    await eventually(async () => expect(await view.left('DEAD_LETTERS', `g-${topic}`)).toEqual([0, 0]));
    watch.unsubscribe();
  });

  it('confirms a dead letter with the id it was told, beside the event it is of', async () => {
    const { bus, topic } = await start({}, ['dead.nobody']);
    await bus.publish(`${topic}.a`, 'x', { id: 'e2' });
    expect(await bus.publish(`dead.g.${topic}.a`, 'x', { id: 'e2', dead: true })).toMatchObject({
      how: 'confirmed',
      duplicate: false,
    });
  });
});

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
