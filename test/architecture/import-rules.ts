import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** What one file imports, type imports included. Paths are relative to lib. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A stage of lib: its first folder, `transports/<name>`, or `root` for the files of lib itself. */
type Stage = string;

/** Which stages a stage may import beside itself and core. */
const MAY_IMPORT: Readonly<Record<Stage, readonly Stage[]>> = {
  core: [],
  pools: [],
  transport: [],
  envelope: ['transport'],
  handlers: ['envelope', 'pools', 'transport'],
  dispatch: ['envelope', 'transport', 'handlers', 'pools'],
  publishing: ['envelope', 'transport'],
  'transports/memory': ['transport'],
  'transports/kafka': ['transport'],
  'transports/nats': ['transport'],
  root: ['envelope', 'transport', 'handlers', 'pools', 'dispatch', 'publishing', 'transports/memory'],
  health: ['root'],
  testing: ['root', 'envelope', 'transport', 'transports/memory', 'handlers', 'pools', 'dispatch', 'publishing'],
};

/** Which stages alone may import a package. */
const PACKAGE_OWNERS: readonly (readonly [RegExp, readonly Stage[]])[] = [
  [/^kafkajs$/, ['transports/kafka']],
  [/^@nats-io\//, ['transports/nats']],
  [/^nats$/, []],
  [/^@nestjs\/terminus$/, ['health']],
];

/** The only files of the root that health may import. */
const HEALTH_MAY_IMPORT = /^(event-bus\.snapshot|event-bus\.lifecycle)\.js$/;

/** All TypeScript files of a folder, with paths relative to it. */
export function readLib(root: string): SourceFile[] {
  const walk = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return walk(path);
      return path.endsWith('.ts') ? [path] : [];
    });
  return walk(root).map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }));
}

/** Every import that breaks a rule, as a sentence; empty when there is none. */
export function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    importsOf(file.text).flatMap((target) => {
      const fault = target.startsWith('.') ? relativeFault(file.path, target) : packageFault(file.path, target);
      return fault === undefined ? [] : [`${file.path} imports ${target}: ${fault}`];
    }),
  );
}

/** Files that read the environment or keep state in the module itself. */
export function stateViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const found: string[] = [];
    if (/\bprocess\.env\b/.test(text)) found.push(`${path} reads process.env`);
    if (/^(export )?let /m.test(text)) found.push(`${path} has a module-level let`);
    if (/^(export )?(const|let) \w+(: [^=]+)? = new (Map|Set|WeakMap|WeakSet|Array)\(\)/m.test(text)) {
      found.push(`${path} has a module-level mutable collection`);
    }
    return found;
  });
}

export function stageOf(path: string): Stage {
  const [first = '', second = ''] = path.split('/');
  if (!path.includes('/')) return 'root';
  return first === 'transports' ? `transports/${second}` : first;
}

function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

function relativeFault(from: string, target: string): string | undefined {
  const to = relative('/', resolve('/', dirname(from), target));
  const [own, other] = [stageOf(from), stageOf(to)];
  if (to.endsWith('index.js')) return 'no file in lib imports an index';
  if (own === other || other === 'core') return undefined;
  if (!(MAY_IMPORT[own] ?? []).includes(other)) return `${own} may not know ${other}`;
  if (own === 'health' && !HEALTH_MAY_IMPORT.test(to)) return "health reads the lifecycle's snapshot and nothing else";
  return undefined;
}

function packageFault(from: string, target: string): string | undefined {
  const rule = PACKAGE_OWNERS.find(([pattern]) => pattern.test(target));
  if (rule === undefined || rule[1].includes(stageOf(from))) return undefined;
  return rule[1].length === 0 ? 'nobody may import it' : `only ${rule[1].join(', ')} may import it`;
}
