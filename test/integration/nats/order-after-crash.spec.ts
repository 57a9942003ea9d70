import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NatsServer, startNats, SUPPORTED_NATS_VERSIONS } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { BrokerView } from './support/broker-view.js';
import { Child } from './support/child.js';
import { Harness } from './support/harness.js';
import { Load } from './support/load.js';
import { judge } from './support/oracle.js';

describe.each(SUPPORTED_NATS_VERSIONS)('order per key after a crash, nats-server %s', (version) => {
  let server: NatsServer;
  let folder: string;

  beforeAll(async () => {
    server = await startNats({ version });
    folder = mkdtempSync(join(tmpdir(), 'eventbus-crash-'));
  });
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds when the process is killed in mid-stream and started again', async () => {
    const transport = {
      connection: { servers: server.url },
      streams: [{ name: 'CRASH', subjects: ['crash.>'] }],
      ackWaitMs: 2_000,
      pullExpiryMs: 500,
    };
    const file = join(folder, 'handled.log');
    const orders = { file, group: 'billing', patterns: ['crash.>'], transport, longestHandlerMs: 20 };
    const view = await BrokerView.open(server.url);
    const publisher = await Harness.start({ transport });
    const first = await Child.start({ ...orders, name: 'first' });
    const load = new Load(publisher, { topic: 'crash.placed', keys: 20, perSecond: 1_000 });

    await sleep(1_200);
    await first.kill();
    const [, inFlight] = await view.left('CRASH', 'billing');
    const second = await Child.start({ ...orders, name: 'second' });
    await sleep(500);
    const published = await load.stop();
    await eventually(async () => expect(await view.left('CRASH', 'billing')).toEqual([0, 0]), { timeoutMs: 20_000 });
    await second.close();
    await publisher.close();
    await view.close();

    const { lost, orderViolations, overlaps, duplicates } = judge(file, published);
    expect({ lost, orderViolations, overlaps }).toEqual({ lost: 0, orderViolations: 0, overlaps: 0 });
    expect(inFlight).toBeGreaterThan(0);
    expect(duplicates).toBeLessThanOrEqual(inFlight);
  });
});
