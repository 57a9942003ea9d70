import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../lib/core/errors.js';
import * as publicApi from '../../lib/index.js';
import { read, ROOT, tableAfter } from './markdown.js';

const rows = tableAfter('errors', read('docs/errors.md'));
const codes: ReadonlySet<string> = new Set(ERROR_CODES);

interface ErrorClass {
  readonly name: string;
  readonly code: string | undefined;
}

/** Every class that extends EventBusError, and the code it gives to `super`. */
function errorClasses(): ErrorClass[] {
  const files = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.flatMap((file) => {
    const found = read(`lib/${file}`).matchAll(/class (\w+) extends EventBusError \{.*?super\(\s*(?:'(\w+)')?/gs);
    return [...found].map(([, name = '', code]) => ({ name, code }));
  });
}

describe('docs/errors.md', () => {
  it('has every code, once, and no other', () => {
    expect(rows.map(([code]) => code)).toEqual([...ERROR_CODES]);
  });

  it('names every public error class at its code', () => {
    const named = new Map(rows.map(([code = '', classes = '']) => [code, classes.split(', ')]));

    const isPublic = ({ name }: ErrorClass): boolean => name in publicApi;
    const missing = errorClasses()
      .filter(isPublic)
      .filter(({ name, code = '' }) => !named.get(code)?.includes(name));
    expect(missing).toEqual([]);
  });
});

describe('the error classes', () => {
  it('have a code of the list, all of them', () => {
    const found = errorClasses();

    expect(found.length).toBeGreaterThan(20);
    expect(found.filter(({ code }) => code === undefined || !codes.has(code))).toEqual([]);
  });
});
