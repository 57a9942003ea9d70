import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { natsServer } from '../../support/brokers.js';
import { only, startOurs, transports } from './support/buses.js';
import { ForeignNats } from './support/foreign-nats.js';

const { version } = await natsServer();

describe(`CloudEvents and the older NATS client, on nats-server ${version}`, () => {
  let foreign: ForeignNats;
  beforeAll(async () => {
    foreign = await ForeignNats.connect();
  });
  afterAll(() => foreign.close());

  it('is read as CloudEvents 1.0 in binary mode: subject, headers and body to the letter', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(foreign.url), topic);
    await ours.bus.publish(
      topic,
      { total: 12.5, text: 'Größe ✓' },
      {
        id: 'event-1',
        key: 'größe 7',
        type: 'orders.plaçed',
        version: 3,
        tenantId: 'müller',
        time: '2026-03-04T05:06:07Z',
        headers: { 'x-color': 'grün' },
        causedBy: { id: 'cause-1', correlationId: 'checkout-7' },
      },
    );

    const [message] = await foreign.read(topic, 1);
    expect(message?.headers).toEqual({
      'Nats-Msg-Id': 'event-1',
      'ce-specversion': '1.0',
      'ce-id': 'event-1',
      'ce-source': ours.group,
      'ce-type': 'orders.pla%C3%A7ed',
      'ce-time': '2026-03-04T05:06:07Z',
      'ce-datacontenttype': 'application/json',
      'ce-partitionkey': 'gr%C3%B6%C3%9Fe%207',
      'ce-dataversion': '3',
      'ce-tenantid': 'm%C3%BCller',
      'ce-correlationid': 'checkout-7',
      'ce-causationid': 'cause-1',
      'x-color': 'grün',
    });
    expect(message?.subject).toBe(topic);
    expect(String(message?.body)).toBe('{"total":12.5,"text":"Größe ✓"}');
  });

  it('is read with nothing but what every event has, when nothing else was said', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(foreign.url), topic);
    const { id } = await ours.bus.publish(topic, 1);

    const [message] = await foreign.read(topic, 1);
    expect(message?.headers).toEqual({
      'Nats-Msg-Id': id,
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': ours.group,
      'ce-type': topic,
      'ce-time': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      'ce-datacontenttype': 'application/json',
    });
  });

  it('says by the content type whether a body is JSON, text or bytes, and null is JSON', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(foreign.url), topic);
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const options = { key: 'one lane' };
    await ours.bus.publish(topic, 'text as JSON', options);
    await ours.bus.publish(topic, 'naïve text', { ...options, contentType: 'text/plain' });
    await ours.bus.publish(topic, bytes, options);
    await ours.bus.publish(topic, bytes, { ...options, contentType: 'application/x-own' });
    await ours.bus.publish(topic, null, options);

    const messages = await foreign.read(topic, 5);
    expect(messages.map(({ headers, body }) => [headers['ce-datacontenttype'], body])).toEqual([
      ['application/json', Buffer.from('"text as JSON"')],
      ['text/plain', Buffer.from('naïve text')],
      ['application/octet-stream', Buffer.from(bytes)],
      ['application/x-own', Buffer.from(bytes)],
      ['application/json', Buffer.from('null')],
    ]);
    const handled = await ours.next(5);
    const read = handled.map(({ data }) => data);
    expect(read).toEqual(['text as JSON', 'naïve text', Buffer.from(bytes), Buffer.from(bytes), null]);
  });

  it("handles another service's CloudEvent with all of its metadata", async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(foreign.url), topic);
    await foreign.send(topic, '{"total":12.5}', {
      'ce-specversion': '1.0',
      'ce-id': 'A234-1234-1234',
      'ce-source': '/mycontext/subcontext',
      'ce-type': 'com.example.some%20event',
      'ce-time': '2018-04-05T03:56:24Z',
      'ce-partitionkey': 'gr%C3%B6%C3%9Fe',
      'ce-comexampleextension': 'value',
      'ce-datacontenttype': 'application/json; charset=utf-8',
      'x-own': 'grün',
    });

    const { data, event } = only(await ours.next());
    expect(data).toEqual({ total: 12.5 });
    expect(event.envelope).toMatchObject({
      topic,
      id: 'A234-1234-1234',
      source: '/mycontext/subcontext',
      type: 'com.example.some event',
      time: '2018-04-05T03:56:24Z',
      key: 'größe',
      contentType: 'application/json; charset=utf-8',
    });
    expect({ ...event.headers }).toEqual({ 'x-own': 'grün' });
    expect(event.message.headers.get('ce-comexampleextension')).toBe('value');
  });

  it('handles a message without any header: the type is the topic, there is no key', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(foreign.url), topic);
    await foreign.connection.jetstream().publish(topic, '{"total":12.5}');

    const { data, event } = only(await ours.next());
    expect(data).toEqual({ total: 12.5 });
    const { type, key, headers, id } = event;
    expect({ type, key, headers: { ...headers } }).toEqual({ type: topic, key: undefined, headers: {} });
    expect(id).toMatch(/^sha1-[0-9a-f]{40}$/);
  });

  it('handles JSON, text and bytes by their content type, and structured mode', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.nats(foreign.url), topic);
    const key = { 'ce-partitionkey': 'one lane' };
    const structured = '{"specversion":"1.0","id":"s-1","source":"s","type":"t","partitionkey":"one lane","data":[1]}';
    await foreign.send(topic, '{"a":1}', { ...key, 'ce-datacontenttype': 'application/vnd.own+json' });
    await foreign.send(topic, 'naïve', { ...key, 'ce-datacontenttype': 'text/plain; charset=utf-8' });
    await foreign.send(topic, Uint8Array.of(0, 255, 1), { ...key, 'content-type': 'application/octet-stream' });
    await foreign.send(topic, structured, { 'content-type': 'application/cloudevents+json' });

    const handled = await ours.next(4);
    expect(handled.map(({ data }) => data)).toEqual([{ a: 1 }, 'naïve', Buffer.from([0, 255, 1]), [1]]);
    expect(handled[3]?.event.id).toBe('s-1');
  });
});
