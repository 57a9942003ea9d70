import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsTransportOptions } from '../../../../lib/transports/nats/index.js';
import { eventually } from '../../../support/eventually.js';
import { BrokerView } from './broker-view.js';
import { Child } from './child.js';
import { Harness } from './harness.js';
import { Load } from './load.js';
import { judge, type Verdict } from './oracle.js';
import { random } from './random.js';

export interface CrashRun extends Verdict {
  readonly seed: number;
  readonly published: number;
  readonly inFlightAtKill: number;
  readonly takeOverMs: number | undefined;
  /** Of the second process, from its begin of consuming to its first handler: claims, take-over and all. */
  readonly fromConsumeMs: number | undefined;
  readonly fromConnectMs: number | undefined;
}

export interface CrashOptions {
  readonly url: string;
  readonly folder: string;
  readonly seed: number;
  /** Whether both processes have the same `instanceId`. @default 'yes' */
  readonly named?: 'yes' | 'no';
  /** A control: see `ChildOrders`. */
  readonly library?: string | undefined;
}

/** A process is killed with -9 in mid-stream and started again. */
export async function crashRun({ url, folder, seed, named = 'yes', library }: CrashOptions): Promise<CrashRun> {
  const rand = random(seed);
  const name = `CRASH-${seed}-${process.pid}`;
  const transport: NatsTransportOptions = {
    connection: { servers: url },
    streams: [{ name, subjects: [`${name}.>`] }],
    ackWaitMs: 2_000,
    memberTtlMs: 3_000,
    pullExpiryMs: 500,
    ...(named === 'yes' ? { instanceId: name } : {}),
  };
  const file = join(folder, `${name}.log`);
  writeFileSync(file, '');
  const orders = { file, group: name, patterns: [`${name}.>`], transport, longestHandlerMs: 20, library };
  const view = await BrokerView.open(url);
  const publisher = await Harness.start({ transport });
  const first = await Child.start({ ...orders, name: 'first' });
  const load = new Load(publisher, { topic: `${name}.placed`, keys: 20, perSecond: 1_200 });

  await sleep(500 + rand() * 900);
  await first.kill();
  const [, inFlightAtKill] = await view.left(name, name);
  await sleep(rand() * 400);
  const second = await Child.start({ ...orders, name: 'second' });
  await sleep(600);
  const published = await load.stop();
  await eventually(async () => expectEmpty(await view.left(name, name)), { timeoutMs: 30_000 });
  const report = await second.close();
  await publisher.close();
  await view.manager.streams.delete(name);
  await view.close();

  const verdict = judge(file, published);
  rmSync(file);
  const took = report.log.find(({ message }) => message.startsWith('NATS: took over'));
  const total = [...published.values()].reduce((sum, n) => sum + n, 0);
  const { fromConsumeMs, fromConnectMs } = report;
  return {
    ...verdict,
    seed,
    published: total,
    inFlightAtKill,
    takeOverMs: Number(took?.fields?.['durationMs']),
    fromConsumeMs,
    fromConnectMs,
  };
}

export function expectEmpty(left: readonly [number, number]): void {
  if (left[0] + left[1] > 0) throw new Error(`left: ${left.join(', ')}`);
}
