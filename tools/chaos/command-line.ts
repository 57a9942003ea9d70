import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { ChaosBroker, RunNames, TransportName } from './broker/broker.js';
import { ChaosKafka } from './broker/kafka.js';
import { ChaosNats } from './broker/nats.js';
import type { Progress } from './run.js';

/** Exit codes: a promise was broken; the run proves nothing. */
export const VIOLATED = 1;
export const INCONCLUSIVE = 3;

/** Opens a broker of the run's own. */
export function brokerOf(transport: TransportName): (names: RunNames) => Promise<ChaosBroker> {
  return (names) => (transport === 'kafka' ? ChaosKafka.start(names) : ChaosNats.start(names));
}

/** @throws Error for a folder without a built library */
export function existingLibrary(dist: string): string {
  if (!existsSync(join(dist, 'index.js'))) throw new Error(`${dist} has no built library; run npm run build`);
  return dist;
}

/** The names of a list that are allowed, in the order of these. @throws Error for others */
export function listOf<T extends string>(flag: string, text: string, allowed: readonly T[]): T[] {
  const names = text.split(',').filter(Boolean);
  const unknown = names.filter((name) => !allowed.includes(name as T));
  if (unknown.length > 0) throw new Error(`${flag} must be of ${allowed.join(', ')}; got "${text}"`);
  return allowed.filter((name) => names.includes(name));
}

/** @throws Error for what is no number above 0 */
export function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new Error(`${flag} must be a number above 0, got "${text}"`);
  return number;
}

/** Shows how far a run is, on stderr; a line each 15 s where that is no terminal. */
export function progressBar(lengthMs: number): { show: (progress: Progress) => void; stop: () => void } {
  const totalSeconds = Math.ceil(lengthMs / 1_000);
  const bar = new SingleBar({
    format:
      '{bar} {value}/{total} s | {phase} | {confirmed} confirmed, {handled} handled | {instances} instances, {running} running | {faults}',
    noTTYOutput: !process.stderr.isTTY,
    notTTYSchedule: 15_000,
  });
  bar.start(totalSeconds, 0, { phase: 'starting', confirmed: 0, handled: 0, instances: 0, running: 0, faults: '' });
  return {
    show: ({ atMs, faults, ...progress }) => {
      bar.update(Math.min(Math.floor(atMs / 1_000), totalSeconds), { ...progress, faults: faults.join(' ') });
    },
    stop: () => bar.stop(),
  };
}

/** Ctrl-C and SIGTERM end the run at once; its processes, its broker and its folder go with it. */
export function endsWhenTold(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}
