import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type NatsServer, startNats } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { BrokerView } from './support/broker-view.js';
import { Harness, type HarnessOptions, subscription } from './support/harness.js';
import { Lanes } from './support/lanes.js';
import { Load } from './support/load.js';
import { judge } from './support/oracle.js';
import { Proxy } from './support/proxy.js';

// Everything else is as it is; only what was delivered before is not brought in hand.
vi.mock('../../../lib/transports/nats/take-over.js', () => ({
  takeOver: (port: { caughtUp(info: object): void; info(): Promise<object> }) =>
    port.info().then((info) => {
      port.caughtUp(info);
      return { redelivered: 0, span: 0, form: 'none', durationMs: 0 };
    }),
}));

describe('order per key without the take-over (control)', () => {
  let server: NatsServer;
  let folder: string;

  beforeAll(async () => {
    server = await startNats();
    folder = mkdtempSync(join(tmpdir(), 'eventbus-control-'));
  });
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const transport = (url: string) => ({
    connection: { servers: url, reconnectDelayMs: 20 },
    streams: [{ name: 'CONTROL', subjects: ['control.>'] }],
    ackWaitMs: 1_500,
    memberTtlMs: 3_000,
    pullExpiryMs: 500,
    instanceId: 'one',
  });

  /** Handles in this process; what is in hand when `died` is called ends there. */
  function handling(
    file: string,
    name: string,
  ): { onDelivery: NonNullable<HarnessOptions['onDelivery']>; died: () => void } {
    const lanes = new Lanes();
    let isDead = false;
    const note = (line: string): void => (isDead ? undefined : appendFileSync(file, `${line}\n`));
    return {
      died: () => {
        note(`X ${name}`);
        isDead = true;
      },
      onDelivery: (delivery, bus) => {
        const event = Buffer.from(delivery.message.body ?? '').toString();
        lanes.submit(event.split(' ')[0] ?? '', async () => {
          note(`S ${name} ${event}`);
          await sleep(Math.random() * 20);
          note(`E ${name} ${event}`);
          if (!isDead) bus.settle(delivery);
        });
      },
    };
  }

  async function under(group: string, disturb: (parts: { proxy: Proxy; file: string }) => Promise<void>) {
    const file = join(folder, `${group}.log`);
    writeFileSync(file, '');
    const proxy = await Proxy.to(server.port);
    const publisher = await Harness.start({ transport: transport(server.url) });
    const view = await BrokerView.open(server.url);
    const load = new Load(publisher, { topic: 'control.placed', keys: 20, perSecond: 1_200 });
    await disturb({ proxy, file });
    const published = await load.stop();
    await eventually(async () => expect(await view.left('CONTROL', group)).toEqual([0, 0]), { timeoutMs: 25_000 });
    await Promise.all([publisher.close(), view.close(), proxy.close()]);
    return judge(file, published);
  }

  it('is broken by cut connections', async () => {
    let bus: Harness | undefined;
    const verdict = await under('cuts', async ({ proxy, file }) => {
      const { onDelivery } = handling(file, 'one');
      const options = { transport: transport(proxy.url), creditMessages: 512, onDelivery };
      bus = await Harness.start(options, [subscription('cuts', ['control.>'], { ordering: 'key' })]);
      for (let cuts = 0; cuts < 6; cuts++) {
        await sleep(400);
        await proxy.cut(30);
      }
      await sleep(300);
    });
    await bus?.close();

    expect(verdict.lost).toBe(0);
    expect(verdict.orderViolations).toBeGreaterThan(0);
  }, 60_000);

  it('is broken by a crash', async () => {
    const open: Harness[] = [];
    const verdict = await under('crash', async ({ proxy, file }) => {
      const begin = async (url: string, name: string) => {
        const { onDelivery, died } = handling(file, name);
        const options = { transport: transport(url), creditMessages: 512, onDelivery };
        open.push(await Harness.start(options, [subscription('crash', ['control.>'], { ordering: 'key' })]));
        return died;
      };
      const died = await begin(proxy.url, 'first');
      await sleep(700);
      died();
      await proxy.close();
      await begin(server.url, 'second');
      await sleep(500);
    });
    await Promise.all(open.map((bus) => bus.close()));

    expect(verdict.lost).toBe(0);
    expect(verdict.orderViolations).toBeGreaterThan(0);
  }, 60_000);
});
