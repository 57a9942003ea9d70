import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstream, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { INestApplication } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fences, read } from '../docs/markdown.js';
import { type NatsServer, startNats } from '../support/brokers.js';
import { eventually } from '../support/eventually.js';

const README = { path: 'README.md', text: read('README.md') };

describe("the README's quick start", () => {
  it('has at most 40 lines', () => {
    const [quickStart = ''] = fences(README, 'ts');

    expect(quickStart).toContain('NestFactory.create');
    expect(quickStart.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });

  describe('on a real nats-server', () => {
    let server: NatsServer;
    let app: INestApplication;
    let client: NatsConnection;
    let manager: JetStreamManager;

    beforeAll(async () => {
      server = await startNats();
      vi.stubEnv('NATS_URL', server.url);
      vi.stubEnv('PORT', '0');
      ({ app } = await import('./quick-start.js'));
      client = await connect({ servers: server.url });
      manager = await jetstreamManager(client);
    });
    afterAll(async () => {
      await client.close();
      await app.close();
      await server.remove();
      vi.unstubAllEnvs();
    });

    it('publishes an order, handles it and publishes the invoice that follows, under the same key', async () => {
      const stream = await jetstream(client).streams.get('SHOP');
      const [order, invoice] = await eventually(async () =>
        Promise.all([stream.getMessage({ seq: 1 }), stream.getMessage({ seq: 2 })]),
      );

      expect(order).toMatchObject({ subject: 'orders.placed' });
      expect(order?.json()).toEqual({ id: 'o-1', amount: 50 });
      expect(invoice).toMatchObject({ subject: 'invoices.due' });
      expect(invoice?.json()).toEqual({ amount: 50 });
      expect(invoice?.header.get('ce-partitionkey')).toBe('o-1');
      expect(invoice?.header.get('ce-causationid')).toBe(order?.header.get('ce-id'));
    });

    it('settles what it has handled', async () => {
      await eventually(async () => {
        const { num_ack_pending: unsettled, ack_floor: floor } = await manager.consumers.info('SHOP', 'billing');
        expect({ unsettled, handled: floor.consumer_seq }).toEqual({ unsettled: 0, handled: 1 });
      });
    });
  });
});
