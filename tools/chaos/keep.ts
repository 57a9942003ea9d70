import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineOf } from './records.js';
import type { RunResult } from './run.js';

/** Writes a run's history, and what its processes printed, into a folder, to be read later. */
export function keepRun(folder: string, { records, logs }: RunResult): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'history.jsonl'), records.map(lineOf).join(''));
  for (const [name, text] of logs) writeFileSync(join(folder, `${name}.log`), text);
}
