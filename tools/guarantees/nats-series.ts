import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Verdict } from '../../test/integration/nats/support/oracle.js';
import { NATS_VERSION } from '../brokers/index.js';
import type { Figure, Found, Row } from './results.js';

/** How much of each. */
export interface Scale {
  readonly crashes: number;
  readonly cuts: number;
  readonly serverKills: number;
  readonly controls: number;
  readonly groupSeconds: number;
}

/** Told of each run that has ended. */
export type Tell = (text: string) => void;

/** What a run of any kind says at its end. */
export type Judged = Verdict & { readonly seed: number; readonly published: number };

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

export function figure(what: string, values: readonly number[], version: string = NATS_VERSION): Figure {
  return { what, on: `nats-server ${version}`, unit: 'ms', values: values.map((value) => Math.round(value * 10) / 10) };
}

/** What the runs of a series came to; one that did not come to its end has stalled. */
export interface Series<T> {
  readonly done: T[];
  readonly failed: string[];
}

export async function series<T extends Judged>(
  runs: number,
  run: (seed: number) => Promise<T>,
  tell: Tell,
): Promise<Series<T>> {
  const all: Series<T> = { done: [], failed: [] };
  for (let seed = 1; seed <= runs; seed += 1) {
    try {
      const one = await run(seed);
      all.done.push(one);
      const { published, lost, orderViolations, overlaps, examples } = one;
      tell(
        `seed ${seed}: ${published} events, ${lost} lost, ${orderViolations + overlaps} violations ${examples.join('; ')}`,
      );
    } catch (error) {
      all.failed.push(`seed ${seed}: ${String(error).slice(0, 300)}`);
      tell(`seed ${seed} did not come to its end: ${String(error)}`);
    }
  }
  return all;
}

export function rowOf(parts: {
  readonly what: string;
  readonly runs: Series<Judged>;
  readonly on?: string;
  readonly more?: string;
  readonly kind?: Row['kind'];
}): Row {
  const { what, runs, on = NATS_VERSION, more = '', kind = 'run' } = parts;
  const { done, failed } = runs;
  return {
    what,
    on: `nats-server ${on}`,
    runs: done.length + failed.length,
    events: sum(done, 'published'),
    lost: sum(done, 'lost'),
    outOfOrder: sum(done, 'orderViolations'),
    overlaps: sum(done, 'overlaps'),
    excused: sum(done, 'frozenOverlaps'),
    twice: sum(done, 'duplicates'),
    stalls: failed.length,
    more: [more, ...failed].filter(Boolean).join('; '),
    kind,
    broken: [],
  };
}

/** Over the runs that came to their end. */
export function sum(
  runs: readonly Judged[],
  name: 'published' | 'lost' | 'orderViolations' | 'overlaps' | 'frozenOverlaps' | 'duplicates',
): number {
  return runs.reduce((total, run) => total + run[name], 0);
}

/** A folder for records and for copies of the library; kept when the runs fail. */
export async function inFolder(use: (folder: string) => Promise<Found>): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'eventbus-guarantees-'));
  symlinkSync(MODULES, join(folder, 'node_modules'));
  let found: Found | undefined;
  try {
    return (found = await use(folder));
  } finally {
    if (found !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
