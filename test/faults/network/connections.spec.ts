import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultProxy, ProxyFault } from '../../../tools/faults/index.js';
import { expectUnharmed, FaultRun } from '../brokers/support/fault-run.js';
import { SESSION_MS, type Site, SITES } from '../brokers/support/site.js';

const STRIKES = 2;

interface NetworkFault {
  readonly name: string;
  /** In the proxy's counts. */
  readonly fault: ProxyFault;
  readonly strike: (proxy: FaultProxy) => void;
  /** `heals`: the network comes back. `never`: only a connection of its own accord helps, for the old one stays as it is. */
  readonly old: 'heals' | 'never';
}

const FAULTS: readonly NetworkFault[] = [
  { name: 'connections are ended', fault: 'cut', strike: (proxy) => proxy.cut(), old: 'never' },
  { name: 'connections are reset', fault: 'reset', strike: (proxy) => proxy.reset(), old: 'never' },
  {
    name: 'everything is swallowed, also on new connections',
    fault: 'black-hole',
    strike: (proxy) => proxy.blackHole(),
    old: 'heals',
  },
  {
    name: 'everything is swallowed on the connections there are',
    fault: 'black-hole',
    strike: (proxy) => proxy.blackHole('existing'),
    old: 'never',
  },
  {
    name: 'the broker has gone and we do not hear of it',
    fault: 'half-open',
    strike: (proxy) => proxy.halfOpen('broker'),
    old: 'never',
  },
  {
    name: 'we have gone and the broker does not hear of it',
    fault: 'half-open',
    strike: (proxy) => proxy.halfOpen('client'),
    old: 'never',
  },
  { name: 'what we send is lost', fault: 'lose', strike: (proxy) => proxy.lose('to-broker'), old: 'heals' },
  { name: 'what the broker sends is lost', fault: 'lose', strike: (proxy) => proxy.lose('to-client'), old: 'heals' },
  { name: 'the network stands still and goes on', fault: 'hold', strike: (proxy) => proxy.hold(), old: 'heals' },
  { name: 'connections are refused', fault: 'refuse', strike: refuseAll, old: 'heals' },
];

function refuseAll(proxy: FaultProxy): void {
  proxy.refuse();
  proxy.reset();
}

describe.each(SITES)('F4: connections to %s', (_site, start) => {
  let site: Site;
  let run: FaultRun | undefined;

  beforeAll(async () => {
    site = await start();
  });
  afterEach(async () => {
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    await run?.close();
    run = undefined;
  });
  afterAll(() => site.remove());

  const struck = (fault: ProxyFault): number =>
    site.proxies.reduce((sum, proxy) => sum + proxy.counts.struck[fault], 0);

  it.each(FAULTS.map((one) => [one.name, one] as const))(
    'lose nothing and keep the order when %s',
    async (_name, { fault, strike, old }) => {
      const before = struck(fault);
      run = await FaultRun.start(site);
      for (let times = 1; times <= STRIKES; times += 1) {
        await run.strike(() => site.proxies.forEach(strike));
        await sleep(1_500);
        if (old === 'heals') await Promise.all(site.proxies.map((proxy) => proxy.heal()));
        await run.progress(200);
      }
      const judgement = await run.finish();

      expectUnharmed(judgement, site);
      expect(struck(fault)).toBeGreaterThan(before);
    },
    150_000,
  );

  it('hand over to another instance, in order, when one is cut off for longer than its session, and take it back', async () => {
    run = await FaultRun.start(site, { instances: ['direct', 'proxy'], perSecond: 50, handlingMs: () => 250 });
    const cutOff = run.buses[1];
    await run.flood(1_600, 0); // more in hand than can be handled before the other one takes over
    await run.strike(() => site.proxies.forEach((proxy) => proxy.blackHole()), 800);
    await sleep(SESSION_MS * 2);
    await run.progress(200);
    expect(cutOff?.snapshot().transport.status.state).not.toBe('connected');
    await Promise.all(site.proxies.map((proxy) => proxy.heal()));
    await run.progress(300);
    expectUnharmed(await run.finish(), site);
  }, 150_000);
});
