import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export const RESULTS_FILE = fileURLToPath(new URL('../../docs/guarantees-results.json', import.meta.url));

/** One line of the table of runs. */
export interface Row {
  readonly what: string;
  /** The broker and its version. */
  readonly on: string;
  readonly runs: number;
  readonly events: number;
  readonly lost: number;
  /** First completed after a later one of the key. */
  readonly outOfOrder: number;
  /** Started while another handler of the key ran, outside the named exceptions. */
  readonly overlaps: number;
  /** Overlaps with a handler whose process was stopped or whose signal had been raised. */
  readonly excused: number;
  readonly twice: number;
  readonly stalls: number;
  readonly more: string;
  /** A control has a mechanism removed: it has to show what the mechanism prevents. */
  readonly kind: 'run' | 'control';
  /** Any other promise that was broken, as sentences. */
  readonly broken: readonly string[];
}

/** Single values of something measured. */
export interface Figure {
  readonly what: string;
  readonly on: string;
  /** What had happened before, if that matters. */
  readonly after?: string;
  readonly unit: 'ms' | 'partitions';
  readonly values: readonly number[];
}

/** What surviving instances of a long run held, early and late. */
export interface Course {
  readonly on: string;
  readonly instance: string;
  readonly measure: string;
  readonly samples: number;
  readonly early: number;
  readonly late: number;
  readonly most: number;
}

/** What a part brings. */
export interface Found {
  readonly rows: readonly Row[];
  readonly figures?: readonly Figure[];
  readonly courses?: readonly Course[];
}

/** The last results of one part, and what they were got on. */
export interface Part extends Found {
  readonly at: string;
  /** The last commit that had changed the library then. */
  readonly library: string;
  readonly machine: string;
}

export type Results = Readonly<Record<string, Part>>;

export function readResults(): Results {
  return existsSync(RESULTS_FILE) ? (JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as Results) : {};
}

/** Keeps what a part has found, in the place of what it had found before. */
export function keep(name: string, found: Found, at = new Date()): Results {
  const part: Part = { at: at.toISOString(), library: libraryAt(at), machine: machine(), ...found };
  const results = { ...readResults(), [name]: part };
  writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 1)}\n`);
  return results;
}

/** What of a row is not as it has to be; a control has to show something. */
export function faultsOf(row: Row): string[] {
  const { what, on, kind, broken } = row;
  const seen = row.lost + row.outOfOrder + row.overlaps + row.excused + row.stalls + broken.length;
  if (kind === 'control') return seen > 0 ? [] : [`${what} (${on}) shows nothing`];
  const counts = (['lost', 'outOfOrder', 'overlaps', 'stalls'] as const).filter((name) => row[name] > 0);
  return [...counts.map((name) => `${what} (${on}): ${name} ${row[name]}`), ...broken];
}

function machine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}

function libraryAt(at: Date): string {
  return execFileSync('git', ['log', '-1', '--format=%h', `--before=${at.toISOString()}`, '--', 'lib'], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  }).trim();
}
