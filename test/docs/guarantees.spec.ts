import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, ROOT } from './markdown.js';

describe.each(['docs/guarantees.md', 'docs/faults.md'])('%s', (file) => {
  const page = read(file);
  const tests = [...page.matchAll(/^- `((?:test|lib)\/\S+)`: (.+)$/gm)].map(([, path = '', name = '']) => ({
    path,
    name,
  }));

  it.each(tests)('names a test that exists: $name', ({ path, name }) => {
    expect(existsSync(join(ROOT, path)), path).toBe(true);
    expect(titlesIn(read(path))).toContain(name);
  });

  it('names tests in each section', () => {
    const sections = page.split(/^## /m).slice(1);

    expect(
      sections.filter((section) => !/^- `(test|lib)\//m.test(section)).map((section) => section.split('\n')[0]),
    ).toEqual([]);
  });
});

/** What stands as text in a file: titles of tests are among it. */
function titlesIn(source: string): string[] {
  return [...source.matchAll(/(['"`])((?:\\.|(?!\1).)*)\1/g)].map(([, , text = '']) => text.replaceAll('\\', ''));
}
