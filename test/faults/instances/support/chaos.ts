import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ChaosBroker, RunNames, TransportName } from '../../../../tools/chaos/broker/broker.js';
import { ChaosKafka } from '../../../../tools/chaos/broker/kafka.js';
import { ChaosNats } from '../../../../tools/chaos/broker/nats.js';
import { keepRun } from '../../../../tools/chaos/keep.js';
import { inconclusiveOf, violationsOf } from '../../../../tools/chaos/oracle/verdict.js';
import type { HistoryRecord } from '../../../../tools/chaos/records.js';
import { runChaos, type RunOptions, type RunResult } from '../../../../tools/chaos/run.js';
import type { PlannedFault } from '../../../../tools/chaos/schedule.js';
import { kafkaBroker, natsServer } from '../../../support/brokers.js';
import { builtLibrary } from './library.js';

/** Instances on both brokers, without the network between them: the brokers of the test run are not to be harmed. */
export const TRANSPORTS: readonly TransportName[] = ['kafka', 'nats'];

/** What an instance that says nothing has lost after, on each broker of a run. */
export const LEASE_MS: Readonly<Record<TransportName, number>> = { kafka: 6_000, nats: 4_000 };

/** A run takes its faults, what they leave behind, and the start of processes on a busy machine. */
export const RUN_TIMEOUT_MS = 240_000;

/** What a test says of its run; the rest is as usual, on the shared broker. */
export type ShortRun = Partial<RunOptions> & Pick<RunOptions, 'lengthMs' | 'schedule'>;

/** Runs the harness for a test: 2 instances, 200 events a second of 100 keys. */
export function underFaults(transport: TransportName, options: ShortRun): Promise<RunResult> {
  return runChaos({
    seed: 1,
    keys: 100,
    perSecond: 200,
    instances: 2,
    quietMs: 40_000,
    stalledAfterMs: 40_000,
    library: builtLibrary(),
    broker: (names) => sharedBroker(transport, names),
    ...options,
  });
}

/** Nothing was lost, reordered, stalled or committed ahead, and each of these faults has struck something in flight. */
export function expectKept(result: RunResult, faults: readonly string[]): void {
  const broken = [...violationsOf(result.verdict), ...inconclusiveOf(result.verdict, faults)];
  if (broken.length > 0) expect(broken, `the history and the logs are in ${keptForReading(result)}`).toEqual([]);
}

/** What a failure is looked into with. */
function keptForReading(result: RunResult): string {
  const folder = mkdtempSync(join(tmpdir(), 'eventbus-chaos-failed-'));
  keepRun(folder, result);
  return folder;
}

/** A fault at its time, for the only one or the first there is. */
export function fault(kind: PlannedFault['fault'], atMs: number, lengthMs = 500): PlannedFault {
  return { fault: kind, atMs, lengthMs, pick: 0, scope: 'one', waits: true };
}

/** The records of a kind. */
export function recordsOf<Kind extends HistoryRecord['kind']>(
  { records }: RunResult,
  kind: Kind,
): Extract<HistoryRecord, { kind: Kind }>[] {
  return records.filter((record): record is Extract<HistoryRecord, { kind: Kind }> => record.kind === kind);
}

/** When something was done to an instance, by the place in the history. @throws Error when it was not */
export function placeOf(
  { records }: RunResult,
  instance: string,
  is: 'frozen' | 'thawed' | 'leaving' | 'gone',
): number {
  const at = records.findIndex((one) => one.kind === 'life' && one.instance === instance && one.is === is);
  if (at < 0) throw new Error(`${instance} was never ${is}`);
  return at;
}

async function sharedBroker(transport: TransportName, names: RunNames): Promise<ChaosBroker> {
  return transport === 'kafka'
    ? ChaosKafka.shared(await kafkaBroker(), names)
    : ChaosNats.shared(await natsServer(), names);
}
