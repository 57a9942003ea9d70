import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NatsTransportOptions } from '../../../lib/transports/nats/index.js';
import { FaultProxy } from '../../../tools/faults/index.js';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { BrokerView } from './support/broker-view.js';
import { Harness, subscription } from './support/harness.js';

/** Of each pull that stays at the server: enough for it to take events, and again what is asked for again. */
const PULLED = 24;
const EVENTS = 16;
/** The server serves pulls in turn: of three deliveries two go to connections that nobody has. */
const LOST_CONNECTIONS = 2;

describe.each(SUPPORTED_NATS_VERSIONS)(
  'a connection we have lost and the server has not, nats-server %s',
  (version) => {
    let server: NatsServer;

    beforeEach(async () => {
      server = await startNats({ version });
    });
    afterEach(() => server.remove());

    const transport = (url: string): NatsTransportOptions => ({
      connection: { servers: url, reconnectDelayMs: 20, maxReconnectDelayMs: 20 },
      streams: [{ name: 'HALF', subjects: ['half.>'] }],
      ackWaitMs: 8_000,
      memberTtlMs: 8_000,
      pullExpiryMs: 4_000, // so long they stay
    });

    it('takes deliveries with its pulls, also those that are asked for again, and no order is broken', async () => {
      const proxy = await FaultProxy.open({ target: server.port });
      const bus = await Harness.start({ transport: transport(proxy.url), creditMessages: PULLED }, [
        subscription('billing', ['half.>'], { ordering: 'key' }),
      ]);
      const publisher = await Harness.start({ transport: transport(server.url) });
      const view = await BrokerView.open(server.url);
      const publish = (number: number) => publisher.publish('half.placed', `${number}`, { key: 'k' });
      await publish(1);
      await eventually(() => expect(bus.texts()).toEqual(['1']));
      await eventually(async () => expect(await view.left('HALF', 'billing')).toEqual([0, 0]));

      for (let lost = 1; lost <= LOST_CONNECTIONS; lost += 1) {
        proxy.halfOpen('client');
        await eventually(async () => expect((await view.consumer('HALF', 'billing')).num_waiting).toBe(lost + 1));
      }
      for (let number = 2; number <= EVENTS; number += 1) {
        await publish(number);
        await sleep(20);
      }

      await eventually(async () => expect(await view.left('HALF', 'billing')).toEqual([0, 0]), { timeoutMs: 25_000 });
      expect(bus.texts().map(Number)).toEqual(Array.from({ length: EVENTS }, (_, at) => at + 1));
      await Promise.all([bus.close(), publisher.close(), view.close(), proxy.close()]);
    }, 60_000);
  },
);
