import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { faultsOf, readResults } from '../../tools/guarantees/results.js';
import { PARTS, sectionOf, withResults } from '../../tools/guarantees/section.js';
import { read, ROOT } from './markdown.js';

describe('the results of the long runs', () => {
  const results = readResults();
  const page = read('docs/guarantees.md');

  it('stand in docs/guarantees.md as they were written', async () => {
    const filepath = `${ROOT}docs/guarantees.md`;

    expect(await format(withResults(page, results), { ...(await resolveConfig(filepath)), filepath })).toBe(page);
  });

  it.each(PARTS)('have %s, with a date and the library they were got with', (part) => {
    expect(results[part]).toMatchObject({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      library: expect.stringMatching(/^[0-9a-f]{7,}$/),
    });
    expect(sectionOf({ [part]: results[part]! })).toContain(results[part]?.rows[0]?.what);
  });

  it('break no promise, and their controls show what they should', () => {
    const rows = Object.values(results).flatMap((part) => part.rows);

    expect(rows.flatMap(faultsOf)).toEqual([]);
  });

  it('would be broken by a violation, a stall, and by a control that shows nothing', () => {
    const [row] = results['cuts']?.rows ?? [];
    if (row === undefined) throw new Error('no row');

    expect(faultsOf({ ...row, kind: 'run', lost: 1 })).toHaveLength(1);
    expect(faultsOf({ ...row, kind: 'run', stalls: 2, broken: ['grows'] })).toHaveLength(2);
    expect(
      faultsOf({ ...row, kind: 'control', lost: 0, outOfOrder: 0, overlaps: 0, excused: 0, stalls: 0 }),
    ).toHaveLength(1);
  });
});
