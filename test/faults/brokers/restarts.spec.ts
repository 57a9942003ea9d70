import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { expectUnharmed, FaultRun } from './support/fault-run.js';
import { KafkaSite, SESSION_MS, type Site, SITES } from './support/site.js';

describe.each(SITES)('A broker that goes and comes, %s', (_, start) => {
  let site: Site;
  let run: FaultRun | undefined;

  beforeAll(async () => {
    site = await start();
  });
  afterEach(async () => {
    await run?.close();
    run = undefined;
  });
  afterAll(() => site.remove());

  /** A Kafka takes up to 15 s to come back. */
  const times = (): number => (site instanceof KafkaSite ? 1 : 2);
  const state = (): string | undefined => run?.buses[0]?.snapshot().transport.status.state;

  const cutOff = (): void =>
    site.proxies.forEach((proxy) => {
      proxy.refuse();
      proxy.reset();
    });
  async function comeBack(from: 'kill' | 'pause' | 'cut'): Promise<void> {
    if (from === 'kill') await site.broker.restart();
    if (from === 'pause') site.broker.resume();
    if (from === 'cut') await Promise.all(site.proxies.map((proxy) => proxy.heal()));
  }

  it('F1: loses nothing and keeps the order when it is killed in mid-stream and started again', async () => {
    run = await FaultRun.start(site);
    for (let kills = 1; kills <= times(); kills += 1) {
      await run.strike(() => site.broker.kill());
      await site.broker.restart();
      await run.progress(300);
    }
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('F2: loses nothing and keeps the order when it is restarted in good order', async () => {
    run = await FaultRun.start(site, { instances: ['proxy', 'proxy'] });
    for (let restarts = 1; restarts <= times(); restarts += 1) {
      await run.strike(() => site.broker.restart());
      await run.progress(300);
    }
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it('F3: loses nothing and keeps the order when it is away for longer than a session', async () => {
    run = await FaultRun.start(site, { instances: ['proxy', 'proxy'] });
    await run.strike(() => site.broker.stop());
    await sleep(SESSION_MS * 1.5);
    expect(state()).not.toBe('connected');
    await site.broker.restart();
    await run.progress(500);
    expectUnharmed(await run.finish(), site);
    expect(run.handled).toBeGreaterThan(500);
  }, 150_000);

  it('F3: loses nothing and keeps the order when it stands still for longer than a session', async () => {
    run = await FaultRun.start(site, { instances: ['proxy', 'proxy'] });
    await run.strike(() => site.broker.pause());
    await sleep(SESSION_MS * 1.5);
    site.broker.resume();
    await run.progress(500);
    expectUnharmed(await run.finish(), site);
  }, 150_000);

  it.each([
    ['has just gone', 'kill', 0],
    ['is away', 'kill', 1_000],
    ['stands still', 'pause', 0],
    ['is cut off at that moment', 'cut', undefined],
  ] as const)(
    'F3: closes, and leaves nothing open, when it %s',
    async (_when, fault, afterMs) => {
      run = await FaultRun.start(site, { ackTimeoutMs: 1_000, shutdownTimeoutMs: 5_000 });
      const [bus] = run.buses;
      await run.strike(() => (fault === 'cut' ? cutOff() : site.broker[fault]()));
      if (afterMs !== undefined) await sleep(afterMs);
      await run.close();
      expect(bus?.snapshot().state).toBe('closed');
      // requests to a broker that says nothing end with their time-outs, after the deadline
      await eventually(() => expect(bus?.snapshot().handles).toEqual([]), { timeoutMs: 30_000 });
      await comeBack(fault);
    },
    150_000,
  );

  it('F3: boots while it is away, and handles all that was published meanwhile when it comes', async () => {
    await site.broker.stop();
    run = await FaultRun.boot(site);
    await sleep(2_000);
    expect(state()).not.toBe('connected');
    expect(run.handled).toBe(0);
    await site.broker.restart();
    await eventually(() => expect(state()).toBe('connected'), { timeoutMs: 60_000 });
    await run.progress(500);
    const judgement = await run.finish();

    expect(judgement).toMatchObject({ lost: 0, orderViolations: 0, wrongResults: 0, left: 0, rejected: 0, unknown: 0 });
  }, 150_000);
});
