import Table from 'cli-table3';
import { figureOf, type Measured, rateOf, type Results, type Verdict } from '../run/results.js';

const NO_STYLE = { head: [], border: [] };

/** Prints every configuration, then every ratio. */
export function printTables({ measured, verdicts }: Results): void {
  const table = new Table({
    head: ['configuration', 'events/s', 'min', 'max', 'client µs', 'broker µs', 'p50 ms', 'p99 ms', 'more'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
    style: NO_STYLE,
  });
  for (const one of measured) table.push(rowOf(one));
  console.log(table.toString());
  for (const { id, faults } of measured) for (const fault of faults) console.log(`FAULT ${id}: ${fault}`);
  printVerdicts(verdicts);
}

function rowOf(one: Measured): string[] {
  const rate = rateOf(one);
  const figure = (name: string): string => rounded(figureOf(one, name)?.median);
  const names = Object.keys(one.repetitions[0]?.extra ?? {});
  const isPaced = one.id.includes('/latency/');
  return [
    `${one.id}${one.faults.length > 0 ? ' (!)' : ''}`,
    isPaced ? '' : whole(rate?.median),
    isPaced ? '' : whole(rate?.min),
    isPaced ? '' : whole(rate?.max),
    figure('clientMicros'),
    figure('brokerMicros'),
    isPaced ? figure('p50') : '',
    isPaced ? figure('p99') : '',
    names.map((name) => `${name} ${figure(name)}`).join(', '),
  ];
}

function printVerdicts(verdicts: readonly Verdict[]): void {
  const table = new Table({ head: ['ratio', 'reached', 'must be', ''], style: NO_STYLE });
  for (const { what, value, atLeast, atMost, isMet, counts } of verdicts) {
    const must = atLeast === undefined ? `≤ ${rounded(atMost)}` : `≥ ${rounded(atLeast)}`;
    table.push([what, rounded(value), must, isMet ? 'met' : counts ? 'UNMET' : 'unmet, does not count here']);
  }
  if (verdicts.length > 0) console.log(table.toString());
}

function whole(value: number | undefined): string {
  return value === undefined ? '' : Math.round(value).toLocaleString('en');
}

/** Three digits that count. */
export function rounded(value: number | undefined): string {
  if (value === undefined) return '';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
