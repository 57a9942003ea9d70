import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaBroker } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { only, startOurs, transports } from './support/buses.js';
import { ForeignKafka, type ForeignMessage } from './support/foreign-kafka.js';

const { version } = await kafkaBroker();
const CAUSE = { id: 'cause-1', correlationId: 'checkout-7' };

describe(`CloudEvents and a plain kafkajs client, on Kafka ${version}`, () => {
  let foreign: ForeignKafka;
  beforeAll(async () => {
    foreign = await ForeignKafka.connect();
  });
  afterAll(() => foreign.close());

  const first = (messages: readonly ForeignMessage[], count = 1): Promise<readonly ForeignMessage[]> =>
    eventually(
      () => {
        expect(messages).toHaveLength(count);
        return messages;
      },
      { timeoutMs: 20_000 },
    );

  it('is read as CloudEvents 1.0 in binary mode: headers, key and body to the letter', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic);
    await ours.bus.publish(
      topic,
      { total: 12.5, text: 'Größe ✓' },
      {
        id: 'event-1',
        key: 'größe/7',
        type: 'orders.plaçed',
        version: 3,
        tenantId: 'müller',
        time: '2026-03-04T05:06:07Z',
        headers: { 'x-color': 'grün' },
        causedBy: CAUSE,
      },
    );

    const [message] = await first(await foreign.read(topic));
    expect(message?.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: 'event-1',
      ce_source: ours.group,
      ce_type: 'orders.plaçed',
      ce_time: '2026-03-04T05:06:07Z',
      'content-type': 'application/json',
      ce_partitionkey: 'größe/7',
      ce_dataversion: '3',
      ce_tenantid: 'müller',
      ce_correlationid: 'checkout-7',
      ce_causationid: 'cause-1',
      'x-color': 'grün',
    });
    expect(message?.key).toEqual(Buffer.from('größe/7'));
    expect(String(message?.value)).toBe('{"total":12.5,"text":"Größe ✓"}');
  });

  it('is read with nothing but what every event has, when nothing else was said', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic);
    const { id } = await ours.bus.publish(topic, 1);

    const [message] = await first(await foreign.read(topic));
    expect(message?.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: ours.group,
      ce_type: topic,
      ce_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      'content-type': 'application/json',
    });
    expect(message?.key).toBeNull();
  });

  it('says by the content type whether a body is JSON, text or bytes, and null is a tombstone', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic);
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const options = { key: 'one partition' };
    await ours.bus.publish(topic, 'text as JSON', options);
    await ours.bus.publish(topic, 'naïve text', { ...options, contentType: 'text/plain' });
    await ours.bus.publish(topic, bytes, options);
    await ours.bus.publish(topic, bytes, { ...options, contentType: 'application/x-own' });
    await ours.bus.publish(topic, null, options);

    const messages = await first(await foreign.read(topic), 5);
    expect(messages.map(({ headers, value }) => [headers['content-type'], value])).toEqual([
      ['application/json', Buffer.from('"text as JSON"')],
      ['text/plain', Buffer.from('naïve text')],
      ['application/octet-stream', Buffer.from(bytes)],
      ['application/x-own', Buffer.from(bytes)],
      [undefined, null],
    ]);
    const handled = await ours.next(5);
    const read = handled.map(({ data }) => data);
    expect(read).toEqual(['text as JSON', 'naïve text', Buffer.from(bytes), Buffer.from(bytes), null]);
  });

  it('puts a key where every other Kafka client puts it', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic);
    for (const key of ['a', 'order-7', 'größe', 'a.b c.*.>', 'x'.repeat(1_000)]) {
      const { position } = await ours.bus.publish(topic, 1, { key });
      expect(position).toMatchObject({ partition: await foreign.send(topic, { key, value: '1' }) });
    }
  });

  it("handles another service's CloudEvent with all of its metadata", async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic);
    await foreign.send(topic, {
      key: 'order-7',
      value: '{"total":12.5}',
      headers: {
        ce_specversion: '1.0',
        ce_id: 'A234-1234-1234',
        ce_source: '/mycontext/subcontext',
        ce_type: 'com.example.someevent',
        ce_time: '2018-04-05T03:56:24Z',
        ce_comexampleextension: 'value',
        'content-type': 'application/json; charset=utf-8',
        'x-own': 'grün',
      },
    });

    const { data, event } = only(await ours.next());
    expect(data).toEqual({ total: 12.5 });
    expect(event.envelope).toMatchObject({
      topic,
      id: 'A234-1234-1234',
      source: '/mycontext/subcontext',
      type: 'com.example.someevent',
      time: '2018-04-05T03:56:24Z',
      key: 'order-7',
      contentType: 'application/json; charset=utf-8',
    });
    expect({ ...event.headers }).toEqual({ 'x-own': 'grün' });
    expect(event.message.headers.get('ce_comexampleextension')).toBe('value');
  });

  it('handles a message without any header: the type is the topic, the key is the message key', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic);
    await foreign.send(topic, { key: 'order-7', value: '{"total":12.5}' });

    const { data, event } = only(await ours.next());
    expect(data).toEqual({ total: 12.5 });
    const { type, key, headers, id } = event;
    expect({ type, key, headers: { ...headers } }).toEqual({ type: topic, key: 'order-7', headers: {} });
    expect(id).toMatch(/^sha1-[0-9a-f]{40}$/);
  });

  it('handles JSON, text and bytes by their content type, a tombstone as null, and structured mode', async () => {
    const topic = await foreign.topic();
    const ours = await startOurs(transports.kafka(foreign.brokers), topic);
    const typed = (contentType: string, value: string | Buffer | null) => {
      return { key: 'k', value, headers: { 'content-type': contentType } };
    };
    await foreign.sendAll(topic, [
      typed('application/vnd.own+json', '{"a":1}'),
      typed('text/plain; charset=utf-8', 'naïve'),
      typed('application/octet-stream', Buffer.from([0, 255, 1])),
      { key: 'k', value: null },
      typed('application/cloudevents+json', '{"specversion":"1.0","id":"s-1","source":"s","type":"t","data":[1]}'),
    ]);

    const handled = await ours.next(5);
    expect(handled.map(({ data }) => data)).toEqual([{ a: 1 }, 'naïve', Buffer.from([0, 255, 1]), null, [1]]);
    expect(handled[4]?.event.id).toBe('s-1');
  });
});
