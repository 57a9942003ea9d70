import Table from 'cli-table3';
import {
  figureOf,
  mainFigureOf,
  type Measured,
  rateOf,
  type Results,
  sectionOf,
  type Spread,
  type Verdict,
} from '../run/results.js';

const NO_STYLE = { head: [], border: [] };

/** Prints every configuration, then every ratio. */
export function printTables({ measured, verdicts }: Results): void {
  const table = new Table({
    head: ['configuration', 'events/s', 'min', 'max', 'client µs', 'broker µs', 'p50 ms', 'p99 ms', 'more'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
    style: NO_STYLE,
  });
  for (const one of measured) table.push(rowOf(one), ...pointRows(one));
  console.log(table.toString());
  for (const { id, note } of measured) if (note !== undefined) console.log(`* ${id}: ${note}`);
  for (const { id, findings } of measured) for (const finding of findings) console.log(`FINDING ${id}: ${finding}`);
  for (const { id, faults } of measured) for (const fault of faults) console.log(`FAULT ${id}: ${fault}`);
  printVerdicts(verdicts);
}

function rowOf(one: Measured): string[] {
  const rate = rateOf(one);
  const figure = (name: string): string => rounded(figureOf(one, name)?.median);
  const main = mainFigureOf(sectionOf(one));
  const isRated = main === 'rate' || main === 'clientMicros';
  return [
    `${one.id}${one.note === undefined ? '' : ' *'}${one.faults.length + one.findings.length > 0 ? ' (!)' : ''}`,
    isRated ? whole(rate?.median) : '',
    isRated ? whole(rate?.min) : '',
    isRated ? whole(rate?.max) : '',
    figure('clientMicros'),
    figure('brokerMicros'),
    main === 'p50' ? figure('p50') : '',
    main === 'p50' ? figure('p99') : '',
    extrasOf(one),
  ];
}

/** What else was measured. */
export function extrasOf(one: Measured): string {
  const names = Object.keys(one.repetitions[0]?.extra ?? {});
  return names.map((name) => `${name} ${rounded(figureOf(one, name)?.median)}`).join(', ');
}

/** A row for each point of a curve. */
function pointRows(one: Measured): string[][] {
  const points = one.repetitions[0]?.points ?? [];
  return points.map(({ x, extra = {} }) => {
    const spread = (name: string): Spread | undefined => figureOf(one, `${name}@${x}`);
    const figure = (name: string): string => rounded(spread(name)?.median);
    const rate = spread('rate');
    return [
      `  ${one.axis ?? ''} ${x.toLocaleString('en')}`,
      whole(rate?.median),
      whole(rate?.min),
      whole(rate?.max),
      ...['clientMicros', 'brokerMicros', 'p50', 'p99'].map(figure),
      Object.keys(extra)
        .map((name) => `${name} ${figure(name)}`)
        .join(', '),
    ];
  });
}

function printVerdicts(verdicts: readonly Verdict[]): void {
  const table = new Table({ head: ['ratio', 'reached', 'must be', ''], style: NO_STYLE });
  for (const verdict of verdicts) table.push([verdict.what, reached(verdict), mustBe(verdict), judgement(verdict)]);
  if (verdicts.length > 0) console.log(table.toString());
}

export function reached({ value }: Verdict): string {
  return value === undefined ? 'no figure' : rounded(value);
}

export function mustBe({ atLeast, atMost }: Verdict): string {
  return atLeast === undefined ? `≤ ${rounded(atMost)}` : `≥ ${rounded(atLeast)}`;
}

export function judgement({ isMet, counts, unless }: Verdict): string {
  if (counts) return isMet ? 'met' : 'UNMET';
  return `${isMet ? 'met' : 'unmet'}, does not count: ${unless}`;
}

function whole(value: number | undefined): string {
  return value === undefined ? '' : Math.round(value).toLocaleString('en');
}

/** Three digits that count. */
export function rounded(value: number | undefined): string {
  if (value === undefined) return '';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
