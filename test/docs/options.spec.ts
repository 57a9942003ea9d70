import { describe, expect, it } from 'vitest';
import { read, tableAfter } from './markdown.js';
import { OPTION_TABLES, optionsOf, plain } from './options.js';

describe('the documented options', () => {
  it.each(OPTION_TABLES)('are those of the code, with their defaults: $title in $page', (table) => {
    const rows = tableAfter(`options: ${table.title}`, read(table.page));

    const documented = rows.map(([path = '', stated = '']) => ({ path, default: plain(stated) }));
    const actual = optionsOf(table).map(({ path, default: stated }) => ({ path, default: stated }));
    expect(documented.toSorted(byPath)).toEqual(actual.toSorted(byPath));
  });
});

function byPath(one: { readonly path: string }, other: { readonly path: string }): number {
  return one.path.localeCompare(other.path);
}
