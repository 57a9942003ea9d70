import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { ChildOrders } from './app.child.js';
import { AppChild } from './child.js';
import type { TransportUnderTest } from './environment.js';
import type { FaultTools } from './fault-tools.js';
import { RecordFile } from './record-file.js';

/** A fault that needs processes of its own: where they write, and how they are started. */
export interface ChildScene {
  readonly topic: string;
  readonly group: string;
  /** The test's own entries in the record. */
  readonly records: RecordFile;
  /** Publishes numbered events and records their confirms. */
  publish(keys: readonly string[], count: number): Promise<number>;
  start(instance: string, orders: Partial<ChildOrders>): Promise<AppChild>;
}

/** Children and files are gone when the test ends. */
export function useChildren(transport: TransportUnderTest): (t: FaultTools) => Promise<ChildScene> {
  const children: AppChild[] = [];
  const folders: string[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  return async (t) => {
    const [topic, group] = [await t.env.topic({ partitions: 1 }), t.group()];
    const folder = mkdtempSync(join(tmpdir(), 'eventbus-fault-'));
    folders.push(folder);
    const file = join(folder, 'records.jsonl');
    writeFileSync(file, '');
    const records = new RecordFile(file, 'test');
    const common: Omit<ChildOrders, 'instance'> = {
      broker: transport.kind === 'kafka' ? 'kafka' : 'nats',
      servers: t.faults.servers,
      topic,
      group,
      file,
      leaseMs: 10_000,
      at: { key: 'k0', n: 1 },
      fault: 'none',
      loopMs: 0,
      listens: false,
    };
    return {
      topic,
      group,
      records,
      publish: (keys, count) => publishAll(t, topic, records, { keys, count }),
      start: async (instance, orders) => {
        const child = await AppChild.start({ ...common, instance, ...orders });
        children.push(child);
        return child;
      },
    };
  };
}

async function publishAll(
  t: FaultTools,
  topic: string,
  records: RecordFile,
  { keys, count }: { readonly keys: readonly string[]; readonly count: number },
): Promise<number> {
  const { bus } = await t.publisher();
  const events = keys.flatMap((key) => Array.from({ length: count }, (_, index) => ({ key, n: index + 1 })));
  const results = await bus.publishMany(events.map((data) => ({ topic, data, options: { key: data.key } })));
  results.forEach(({ outcome }, index) => {
    const event = events[index];
    if (outcome !== 'confirmed' || event === undefined) throw new Error(`A publish ended ${outcome}.`);
    records.published({ topic, key: event.key, sequence: event.n });
  });
  return events.length;
}
