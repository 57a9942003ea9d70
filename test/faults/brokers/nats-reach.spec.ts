import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assessHealth } from '../../../lib/health/assessment.js';
import { DEFAULT_HEALTH_OPTIONS } from '../../../lib/health/health.options.js';
import { createTestBus } from '../../../lib/testing/index.js';
import { NATS_VERSION } from '../../support/brokers.js';
import { eventually } from '../../support/eventually.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { NatsSite, SESSION_MS } from './support/site.js';

/** Clients are of `APP` without a word. */
function accounts(jetstream: 'enabled' | 'disabled', permissions = ''): string {
  return `
accounts { APP { jetstream: ${jetstream}, users: [{ user: app, password: app ${permissions} }] } }
no_auth_user: app
`;
}
const ALL = accounts('enabled');
const NO_JETSTREAM = accounts('disabled');
const NO_CLAIMS = accounts('enabled', ', permissions: { publish: { deny: ["$KV.>"] } }');

describe(`A nats-server ${NATS_VERSION} that is there, and does not do what we need`, () => {
  let site: NatsSite;
  let run: FaultRun | undefined;

  beforeAll(async () => {
    site = await NatsSite.start({ config: ALL });
  });
  afterEach(async () => {
    await site.reconfigure(ALL);
    await run?.close();
    run = undefined;
  });
  afterAll(() => site.remove());

  it('loses nothing and keeps the order while JetStream is refused to the account and nobody responds to publishes', async () => {
    run = await FaultRun.start(site);
    const { topic } = run;
    await run.strike(() => site.reconfigure(NO_JETSTREAM));
    const impatient = await createTestBus({
      transport: site.with({ transport: { policy: 'none' } }).transport(topic),
      consume: false,
      pools: { ack: { timeoutMs: 2_000 } },
    });
    const [refused] = await impatient.bus.publishMany([{ topic, data: {}, options: { key: 'k' } }]);
    expect(refused).toMatchObject({ outcome: expect.stringMatching(/rejected|unknown/) as string });
    await impatient.close();
    const before = run.handled;
    await sleep(SESSION_MS);
    expect(run.handled, 'handled meanwhile').toBe(before);

    await site.reconfigure(ALL);
    await run.progress(500);
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('starts no handler while the claims are out of reach for longer than a membership, and health says why', async () => {
    run = await FaultRun.start(site);
    const [bus] = run.buses;
    const health = () => assessHealth(bus?.snapshot() ?? expect.fail(), DEFAULT_HEALTH_OPTIONS);
    await run.strike(() => site.reconfigure(NO_CLAIMS));
    await eventually(
      () => expect(health().reasons.join()).toContain('handles nothing, for it cannot hold its claims'),
      { timeoutMs: 30_000 },
    );
    expect(bus?.snapshot().transport.status.state, 'the server is there').toBe('connected');
    await sleep(1_000); // what had begun has ended
    const before = run.handled;
    await sleep(1_000);
    expect(run.handled, 'handled meanwhile').toBe(before);
    expect((await site.view(run.topic)).left, 'waits').toBeGreaterThan(0);

    await site.reconfigure(ALL);
    await run.progress(500);
    await eventually(() => expect(health().status).toBe('up'), { timeoutMs: 30_000 });
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('F18: goes on, in order, past the gaps that a purge leaves under what is in flight', async () => {
    run = await FaultRun.start(site);
    const { topic } = run;
    for (let times = 1; times <= 2; times += 1) {
      const purged = await run.strike(() => site.manage((manager) => manager.streams.purge(topic)));
      expect(purged.purged).toBeGreaterThan(0);
      run.writeOff();
      await run.strike(() => site.proxies.forEach((proxy) => proxy.cut()));
      await run.progress(300);
    }
    expectUnharmed(await run.finish(), site);
  }, 150_000);
});
