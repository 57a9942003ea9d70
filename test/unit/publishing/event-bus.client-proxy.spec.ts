import { firstValueFrom, lastValueFrom } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { SILENT_LOGGER } from '../../../lib/core/logger.js';
import { EventBusClientProxy } from '../../../lib/publishing/event-bus.client-proxy.js';
import { EventBusRecordBuilder } from '../../../lib/publishing/event-bus.record.js';
import { settled, setup, type FakeTransport } from './harness.js';

function proxy(): { client: EventBusClientProxy; transport: FakeTransport; error: ReturnType<typeof vi.fn> } {
  const { publisher, transport } = setup();
  const error = vi.fn();
  const target = {
    publish: publisher.publish.bind(publisher),
    unwrap: () => 'the client',
  };
  return { client: new EventBusClientProxy(target, { ...SILENT_LOGGER, error }), transport, error };
}

describe('EventBusClientProxy', () => {
  it('publishes what is emitted, whether or not somebody subscribes', async () => {
    const { client, transport } = proxy();

    client.emit('orders.placed', { n: 1 });
    await settled();

    expect(transport.sent[0]?.message).toMatchObject({ topic: 'orders.placed', key: undefined, body: '{"n":1}' });
    transport.confirm();
  });

  it('publishes once, however many subscribe, and gives each the confirm, also late ones', async () => {
    const { client, transport } = proxy();
    const emitted = client.emit('orders', 1);
    const early = lastValueFrom(emitted);
    await settled();
    transport.confirm();

    expect(await early).toMatchObject({ outcome: 'confirmed' });
    expect(await firstValueFrom(emitted)).toMatchObject({ outcome: 'confirmed' });
    expect(transport.sent).toHaveLength(1);
  });

  it('takes key, headers and other options from a record', async () => {
    const { client, transport } = proxy();

    client.emit(
      'orders',
      new EventBusRecordBuilder({ n: 1 }).setKey('k').setHeaders({ a: 'b' }).setOptions({ id: 'x' }).build(),
    );
    await settled();

    expect(transport.sent[0]?.message).toMatchObject({ key: 'k', id: 'x', body: '{"n":1}' });
    transport.confirm();
  });

  it('gives an error to who subscribes, and logs it when nobody does', async () => {
    const { client, transport, error } = proxy();

    const watched = lastValueFrom(client.emit('orders', 1));
    await settled();
    transport.fail('rejected');
    await expect(watched).rejects.toMatchObject({ code: 'EVENT_BUS_PUBLISH_REJECTED' });
    expect(error).not.toHaveBeenCalled();

    client.emit('not a topic', 1);
    await settled();
    expect(error.mock.calls[0]?.[1]).toMatchObject({ error: { code: 'EVENT_BUS_INVALID_TOPIC' } });
  });

  it('refuses to send, with an error that explains', async () => {
    const { client } = proxy();

    await expect(lastValueFrom(client.send('orders', 1))).rejects.toMatchObject({
      code: 'EVENT_BUS_UNSUPPORTED',
      message: expect.stringContaining('asks for a reply'),
    });
  });

  it('unwraps the client, and connects and closes nothing', async () => {
    const { client } = proxy();

    await client.connect();
    client.close();

    expect(client.unwrap<string>()).toBe('the client');
  });
});
