import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsTransportOptions } from '../../../../lib/transports/nats/index.js';
import { type NatsServer, startNats } from '../../../support/brokers.js';
import { eventually } from '../../../support/eventually.js';
import { BrokerView } from './broker-view.js';
import { Child } from './child.js';
import { expectEmpty } from './crash-run.js';
import { Harness } from './harness.js';
import { Load } from './load.js';
import { judge, type Verdict } from './oracle.js';
import { Proxy } from './proxy.js';
import { random } from './random.js';

export interface FaultRun extends Verdict {
  readonly seed: number;
  readonly published: number;
  /** Summed over the consumers of the process. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface FaultOptions {
  readonly folder: string;
  readonly seed: number;
  readonly faults: number;
  readonly transport?: Partial<NatsTransportOptions>;
  /** A control: see `ChildOrders`. */
  readonly library?: string | undefined;
}

const optionsOf = (url: string, given?: Partial<NatsTransportOptions>): NatsTransportOptions => ({
  connection: { servers: url, reconnectDelayMs: 20 },
  streams: [{ name: 'FAULTS', subjects: ['faults.>'] }],
  ackWaitMs: 2_000,
  memberTtlMs: 3_000,
  pullExpiryMs: 500,
  ...given,
});

/** The connection of a process that handles is cut in mid-stream; what the server sent shortly before never arrives. No process dies. */
export async function cutRun(server: NatsServer, options: FaultOptions): Promise<FaultRun> {
  const { folder, seed, faults, transport, library } = options;
  const rand = random(seed);
  const file = join(folder, `cuts-${seed}.log`);
  writeFileSync(file, '');
  const proxy = await Proxy.to(server.port);
  const group = `cuts-${seed}`;
  const publisher = await Harness.start({ transport: optionsOf(server.url, transport) });
  const view = await BrokerView.open(server.url);
  const child = await Child.start({
    name: 'one',
    file,
    group,
    patterns: ['faults.>'],
    transport: optionsOf(proxy.url, transport),
    longestHandlerMs: 20,
    library,
  });
  const load = new Load(publisher, { topic: 'faults.placed', keys: 20, perSecond: 1_200 });
  for (let cut = 0; cut < faults; cut++) {
    await sleep(300 + rand() * 400);
    await proxy.cut(20 + rand() * 30);
  }
  await sleep(300);
  const published = await load.stop();
  await eventually(async () => expectEmpty(await view.left('FAULTS', group)), { timeoutMs: 30_000 });
  const { details } = await child.report();
  await child.close();
  await Promise.all([publisher.close(), view.close()]);
  await proxy.close();
  return finish(file, seed, published, details);
}

/** nats-server is killed with -9 in mid-stream and started again on its files, several times; one process works off a backlog. */
export async function serverKillRun(version: string, options: FaultOptions): Promise<FaultRun> {
  const { folder, seed, faults, transport, library } = options;
  const rand = random(seed);
  const server = await startNats({ version });
  const file = join(folder, `server-${version}-${seed}.log`);
  writeFileSync(file, '');
  const given = optionsOf(server.url, transport);
  const publisher = await Harness.start({ transport: given });
  const published = await backlog(publisher, { keys: 20, each: 400 });
  const orders = { name: 'one', file, group: 'billing', patterns: ['faults.>'], longestHandlerMs: 20, library };
  const child = await Child.start({ ...orders, transport: given });
  try {
    for (let kill = 0; kill < faults; kill++) {
      await sleep(100 + rand() * 300);
      await server.kill();
      await sleep(rand() * 200);
      await server.restart();
      await sleep(200);
    }
    const details = await settledAll(server.url, child);
    return finish(file, seed, published, details);
  } finally {
    await child.kill();
    await publisher.close();
    await server.remove();
  }
}

/** @throws Error when that takes for ever: a stall */
async function settledAll(url: string, child: Child): Promise<Readonly<Record<string, unknown>>> {
  const view = await BrokerView.open(url);
  try {
    await eventually(async () => expectEmpty(await view.left('FAULTS', 'billing')), { timeoutMs: 30_000 });
    const { details } = await child.report();
    await child.close();
    return details;
  } finally {
    await view.close();
  }
}

async function backlog(bus: Harness, { keys, each }: { keys: number; each: number }): Promise<Map<string, number>> {
  const published = new Map<string, number>();
  for (let n = 1; n <= each; n++) {
    const answers = Array.from({ length: keys }, (_, k) =>
      bus.publish('faults.placed', `k${k} ${n}`, { key: `k${k}` }),
    );
    for (const { how } of await Promise.all(answers)) if (how !== 'confirmed') throw new Error(how);
  }
  for (let k = 0; k < keys; k++) published.set(`k${k}`, each);
  return published;
}

function finish(
  file: string,
  seed: number,
  published: ReadonlyMap<string, number>,
  details: Readonly<Record<string, unknown>>,
): FaultRun {
  const verdict = judge(file, published);
  rmSync(file);
  const total = [...published.values()].reduce((sum, n) => sum + n, 0);
  return { ...verdict, seed, published: total, counts: countsOf(details) };
}

/** The counters of all consumers, and of the claims, added up. */
export function countsOf(details: Readonly<Record<string, unknown>>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const part of ['consumers', 'claims']) {
    const list: unknown = details[part];
    if (!Array.isArray(list)) continue;
    for (const one of list)
      for (const [name, value] of Object.entries(one))
        if (typeof value === 'number') sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}
