import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));
/** What the processes of a run are made of. */
const PROGRAM = ['instance', 'history.ts', 'random.ts', 'records.ts'];

/** A text of a built file and what is to stand in its place. */
export interface Patch {
  /** Path of a built file in the library's folder. */
  readonly file: string;
  readonly find: string | RegExp;
  readonly replace: string;
}

/** Which library the processes of a run are to use. */
export interface LibrarySource {
  /** A folder with the built library; undefined = built here from the sources, without a check of types. */
  readonly dist?: string | undefined;
  /** Mechanisms to remove, in a copy. @default [] */
  readonly patches?: readonly Patch[];
}

/** A run's folder: its program as plain JavaScript, so that instances start fast, the library, the history and the logs. */
export class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), 'eventbus-chaos-'));
  readonly library: string;
  readonly history = join(this.folder, 'history.jsonl');

  readonly #removeAtExit = (): void => rmSync(this.folder, { recursive: true, force: true });

  constructor(source: LibrarySource = {}) {
    process.once('exit', this.#removeAtExit);
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }\n');
    for (const part of PROGRAM) transpile(join(HERE, part), join(this.folder, 'program', part));
    const { dist, patches = [] } = source;
    if (dist !== undefined && patches.length === 0) this.library = dist;
    else this.library = buildLibrary(join(this.folder, 'library'), source);
  }

  /** The script of a process. */
  script(name: 'instance' | 'publisher'): string {
    return join(this.folder, 'program', 'instance', `${name}.js`);
  }

  remove(): void {
    process.off('exit', this.#removeAtExit);
    this.#removeAtExit();
  }
}

/** Puts a library into the folder, which needs a node_modules at its side, and patches it. Returns the folder. */
export function buildLibrary(folder: string, { dist, patches = [] }: LibrarySource): string {
  if (dist === undefined) transpile(join(ROOT, 'lib'), folder);
  else cpSync(dist, folder, { recursive: true });
  for (const patch of patches) apply(folder, patch);
  return folder;
}

/** @throws Error when there is nothing to replace: a control that removes nothing would show nothing */
function apply(library: string, { file, find, replace }: Patch): void {
  const path = join(library, file);
  const text = readFileSync(path, 'utf8');
  const patched = text.replace(find, replace);
  if (patched === text) throw new Error(`${file} has no ${String(find)}: the patch does not fit any more`);
  writeFileSync(path, patched);
}

/** Every module by itself, as `isolatedModules` allows. */
function transpile(from: string, to: string): void {
  if (!from.endsWith('.ts')) {
    for (const name of readdirSync(from)) transpile(join(from, name), join(to, name));
    return;
  }
  const { outputText } = ts.transpileModule(readFileSync(from, 'utf8'), {
    compilerOptions: compilerOptions(),
    fileName: from,
  });
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to.replace(/\.ts$/, '.js'), outputText);
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  return { ...options, module: ts.ModuleKind.ESNext, sourceMap: false, declaration: false };
}
