import { describe, expect, it } from 'vitest';
import { ROWS } from './cases.js';
import { isOn, type Outcome, type Verdict, verdictOf, type Where } from './support/case.js';
import { type DocumentedRow, documentedRows } from './support/docs-table.js';

const documented = documentedRows();
const names = [...new Set(ROWS.map(({ row }) => row))];

function verdicts(outcomes: readonly { readonly becomes: Outcome }[]): Verdict[] {
  return [...new Set(outcomes.map(({ becomes }) => verdictOf(becomes)))].toSorted();
}

/** What the cases of a row say. */
function tested(row: string): DocumentedRow {
  const rows = ROWS.filter((one) => one.row === row);
  const received = (where: Where): Verdict[] =>
    verdicts(rows.flatMap((one) => one.received.filter((each) => isOn(each, where))));
  return {
    row,
    published: verdicts(rows.flatMap(({ published }) => published)),
    nats: received('nats'),
    kafka: received('kafka'),
  };
}

describe('docs/input.md', () => {
  it('has a row for every kind of input that is tested, and no other, in the same order', () => {
    expect(documented.map(({ row }) => row)).toEqual(names);
  });

  it.each(names)('says of "%s" what its cases say, each verdict with a case of its own', (row) => {
    expect(documented.find((one) => one.row === row)).toEqual(tested(row));
  });

  it('is not compared in vain: a cell without its verdict, and a verdict too many, are seen', () => {
    const [one, other] = documentedRows(
      '| input | published |\n| --- | --- |\n| x | **exact** | y | as NATS |\n| z | error `EVENT_BUS_FULL` | **changed** | – |',
    );
    expect(one).toEqual({ row: 'x', published: ['exact'], nats: [], kafka: [] });
    expect(other).toEqual({ row: 'z', published: ['EVENT_BUS_FULL'], nats: ['changed'], kafka: [] });
  });
});
