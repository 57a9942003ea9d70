import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { figureOf, type Measured, type Verdict } from './results.js';

/** One line of floors.json: a figure of one configuration, over that of another when there is one. */
interface Floor {
  readonly id: string;
  readonly what: string;
  readonly of: string;
  readonly against?: string;
  /** @default 'rate' */
  readonly figure?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Checked by `--quick` too, at `quickShare` of it. */
  readonly quick?: boolean;
}

interface Floors {
  readonly quickShare: number;
  /** Whether the references are as good as they must be: a suite counts only when they hold. */
  readonly validity: readonly Floor[];
  readonly ratios: readonly Floor[];
}

const FILE = join(import.meta.dirname, '..', '..', 'floors.json');

/** Every floor whose configurations were measured. In a quick run only the quick ones count. */
export function judge(measured: readonly Measured[], isQuick: boolean): Verdict[] {
  const floors: Floors = JSON.parse(readFileSync(FILE, 'utf8'));
  const share = isQuick ? floors.quickShare : 1;
  return [
    ...floors.validity.flatMap((floor) => verdict(floor, measured, { share: 1, counts: !isQuick })),
    ...floors.ratios.flatMap((floor) => verdict(floor, measured, { share, counts: !isQuick || floor.quick === true })),
  ];
}

function verdict(
  floor: Floor,
  measured: readonly Measured[],
  { share, counts }: { readonly share: number; readonly counts: boolean },
): Verdict[] {
  const value = valueOf(floor, measured);
  if (value === undefined) return [];
  const atLeast = floor.atLeast === undefined ? undefined : floor.atLeast * share;
  const atMost = floor.atMost === undefined ? undefined : floor.atMost / share;
  const isMet = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
  return [{ id: floor.id, what: floor.what, value, atLeast, atMost, isMet, counts }];
}

function valueOf({ of, against, figure = 'rate' }: Floor, measured: readonly Measured[]): number | undefined {
  const median = (id: string): number | undefined => {
    const found = measured.find((one) => one.id === id);
    return found === undefined ? undefined : figureOf(found, figure)?.median;
  };
  const value = median(of);
  if (against === undefined || value === undefined) return value;
  const reference = median(against);
  return reference === undefined ? undefined : value / reference;
}
