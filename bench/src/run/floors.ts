import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { figureOf, type Measured, suiteOf, type Verdict } from './results.js';

/** One line of floors.json: a figure of one configuration, over that of another when there is one. */
export interface Floor {
  readonly id: string;
  readonly what: string;
  readonly of: string;
  readonly against?: string;
  /** @default 'rate' */
  readonly figure?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Which repetition: `min` where every one must reach it. @default 'median' */
  readonly take?: 'median' | 'min';
  /** Against figures of another machine, or of none: reported, and fails nothing. */
  readonly isAbsolute?: boolean;
  /** Stands for one floor for each of these: they take the place of `{}` in its texts. */
  readonly each?: readonly number[];
  /** Checked by `--quick` too, at `quickShare` of it. */
  readonly quick?: boolean;
  /** The decision that lives with less, for now: the run prints it as unmet and stands. */
  readonly adr?: string;
  /** What that decision lives with; beyond it the run falls. */
  readonly accepted?: number;
}

export interface Floors {
  readonly quickShare: number;
  /** Whether the references are as good as they must be: a suite counts only when they hold. */
  readonly validity: readonly Floor[];
  readonly ratios: readonly Floor[];
}

/** Why the ratios of a suite do not count. */
export const WEAK = 'the references did not hold their own';
const FILE = join(import.meta.dirname, '..', '..', 'floors.json');

export function readFloors(): Floors {
  const { ratios, ...others }: Floors = JSON.parse(readFileSync(FILE, 'utf8'));
  return { ...others, ratios: ratios.flatMap(eachOf) };
}

function eachOf({ each, ...one }: Floor): Floor[] {
  if (each === undefined) return [one];
  return each.map((value) => {
    const filled = (text: string): string => text.replaceAll('{}', String(value));
    const against = one.against === undefined ? {} : { against: filled(one.against) };
    return { ...one, id: filled(one.id), what: filled(one.what), of: filled(one.of), ...against };
  });
}

/** Configurations that floors name and that these, all of their suites, do not have: such a floor would never be judged. */
export function strangersIn({ validity, ratios }: Floors, known: readonly { readonly id: string }[]): string[] {
  const ids = new Set(known.map(({ id }) => id));
  const suites = new Set(known.map(suiteOf));
  const named = [...validity, ...ratios].flatMap(({ of, against }) => (against === undefined ? [of] : [of, against]));
  return named.filter((id) => suites.has(suiteOf({ id })) && !ids.has(id));
}

/** Every floor whose configurations were measured. In a quick run only the quick ones count; of a suite whose references are weak, none. */
export function judge(measured: readonly Measured[], isQuick: boolean, floors = readFloors()): Verdict[] {
  const share = isQuick ? floors.quickShare : 1;
  const fullOnly = 'in full runs only';
  const validity = floors.validity.flatMap((floor) => verdict(floor, measured, 1, isQuick ? fullOnly : undefined));
  const weak = new Set(validity.filter(({ isMet, counts }) => counts && !isMet).map(({ suite }) => suite));
  const excuse = (floor: Floor): string | undefined => {
    if (floor.isAbsolute === true) return 'of another machine or time';
    if (isQuick && floor.quick !== true) return fullOnly;
    return weak.has(suiteOf({ id: floor.of })) ? WEAK : undefined;
  };
  return [...validity, ...floors.ratios.flatMap((floor) => verdict(floor, measured, share, excuse(floor)))];
}

/** @param excuse why the run does not stand or fall with it */
function verdict(floor: Floor, measured: readonly Measured[], share: number, excuse: string | undefined): Verdict[] {
  const { id, what, of, against } = floor;
  const compared = [of, against].flatMap((one) => one ?? []).map((one) => measured.find((each) => each.id === one));
  if (compared.includes(undefined)) return [];
  const value = valueOf(floor, measured);
  const atLeast = floor.atLeast === undefined ? undefined : floor.atLeast * share;
  const atMost = floor.atMost === undefined ? undefined : floor.atMost / share;
  const isMet = isWithin(value, atLeast, atMost);
  const hasFigureless = compared.some((one) => one?.by === 'peer' && one.repetitions.length === 0);
  const unless = excuse ?? (hasFigureless ? 'the peer has no figure' : isMet ? undefined : accepted(floor, value));
  return [
    { id, what, suite: suiteOf({ id: of }), value, atLeast, atMost, isMet, counts: unless === undefined, unless },
  ];
}

/** A value that is not there is within nothing. */
function isWithin(value: number | undefined, atLeast = -Infinity, atMost = Infinity): boolean {
  return value !== undefined && value >= atLeast && value <= atMost;
}

function accepted({ adr, accepted: limit, atMost }: Floor, value: number | undefined): string | undefined {
  if (adr === undefined) return undefined;
  const stands = atMost === undefined ? isWithin(value, limit) : isWithin(value, undefined, limit);
  return stands ? `accepted in ADR ${Number(adr)}` : undefined;
}

function valueOf(
  { of, against, figure = 'rate', take = 'median' }: Floor,
  measured: readonly Measured[],
): number | undefined {
  const taken = (id: string): number | undefined => {
    const found = measured.find((one) => one.id === id);
    return found === undefined ? undefined : figureOf(found, figure)?.[take];
  };
  const value = taken(of);
  if (against === undefined || value === undefined) return value;
  const reference = taken(against);
  return reference === undefined ? undefined : value / reference;
}
