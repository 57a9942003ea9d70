import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One page of the documentation. */
export interface Page {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
}

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** README.md, CONTRIBUTING.md and everything below docs/. */
export function pages(): Page[] {
  const below = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...below.toSorted()].map((path) => ({
    path,
    text: read(path),
  }));
}

/** The fenced blocks of a language in a page. */
export function fences({ text }: Page, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map(([, , code = '']) => code);
}

/** Files whose regions the pages show. */
export function snippetFiles(): string[] {
  const folder = join(ROOT, 'test/docs/snippets');
  const below = readdirSync(folder).map((name) => relative(ROOT, join(folder, name)));
  return ['test/readme/quick-start.ts', ...below.filter((path) => path.endsWith('.ts')).toSorted()];
}

/** Region's name → its code, without the indentation that all of it has. */
export function regions(path: string): Map<string, string> {
  const found = read(path).matchAll(/^ *\/\/ #region (\S+)\n(.*?)^ *\/\/ #endregion$/gms);
  return new Map([...found].map(([, name = '', code = '']) => [name, dedented(code)]));
}

/** The rows of the first table after a marker comment, as cells without back-ticks; without the head. */
export function tableAfter(marker: string, text: string): string[][] {
  const after = text.slice(text.indexOf(`<!-- ${marker} -->`) + marker.length + 9);
  const lines = after.trimStart().split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end === -1 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('`', '').replaceAll('\\|', '|')),
  );
}

function dedented(code: string): string {
  const lines = code.split('\n');
  const margins = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const margin = Math.min(...margins);
  return lines.map((line) => line.slice(margin)).join('\n');
}
