import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { fences, pages, regions, ROOT, snippetFiles } from './markdown.js';

/** A block with an ellipsis leaves something out: it shows a shape and is no code. */
const isSketch = (code: string): boolean => code.includes('…');

const shown = pages().flatMap((page) => fences(page, 'ts').map((code) => ({ page: page.path, code })));
const compiled = snippetFiles().flatMap((path) => [...regions(path)].map(([name, code]) => ({ path, name, code })));

describe('the code in the documentation', () => {
  it.each(shown.filter(({ code }) => !isSketch(code)))('is cut from a file that compiles: $page', ({ code }) => {
    expect(compiled.map((region) => region.code)).toContain(code);
  });

  it('shows every piece that is there to be shown', () => {
    const codes = new Set(shown.map(({ code }) => code));

    expect(compiled.filter(({ code }) => !codes.has(code)).map(({ path, name }) => `${path}#${name}`)).toEqual([]);
  });

  it('compiles, as strictly as the library', { timeout: 240_000 }, () => {
    const config = ts.getParsedCommandLineOfConfigFile(
      join(ROOT, 'tsconfig.json'),
      {},
      { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail },
    );
    const program = ts.createProgram(
      snippetFiles().map((path) => join(ROOT, path)),
      { ...config?.options, noEmit: true },
    );
    const found = snippetFiles().flatMap((path) => {
      const source = program.getSourceFile(join(ROOT, path));
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    });

    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });
});

function fail({ messageText }: ts.Diagnostic): never {
  throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
}
